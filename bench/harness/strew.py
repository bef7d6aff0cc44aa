"""Strews a destination with objects that are names and lengths alone: READER DESTINATION PASSWORD-FILE CATALOGUE COUNT.

Each is a sparse file under a name that the program opens, and a row of the catalogue, as if earlier
runs had stored it. Run by `bench/scale --objects` with the packages of the reader.
"""

import os
import random
import sqlite3
import sys
from pathlib import Path

reader, destination, password, catalogue, count = sys.argv[1:]
sys.path.insert(0, reader)
import repository  # noqa: E402

KINDS = repository.BLOCK_LENGTHS
files = [(str(p), p.name) for p in Path(destination).iterdir() if p.stat().st_size in KINDS]
opened = repository.open_key_blocks(files, Path(password).read_text().strip())
secret = next(iter(opened))
siv = repository.AESSIV(repository.hkdf(b"keepmum v0", secret, b"name", 64))
base = sqlite3.connect(catalogue)
device = base.execute("SELECT value FROM fact WHERE key = 'device'").fetchone()[0]
dice = random.Random(1)
rows = []
for number in range(1_000, 1_000 + int(count)):
    digest, length = dice.randbytes(16), (16 << 20) + dice.randrange(1_000) * 4_096
    place = device + (1).to_bytes(4, "big") + number.to_bytes(4, "big")
    fields = (1).to_bytes(2, "big") + b"\1" + place + length.to_bytes(5, "big") + digest
    path = Path(destination) / repository.base32(siv.encrypt(fields, []))
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.ftruncate(handle, length)
    os.close(handle)
    rows.append((place + digest, 1, length))
base.executemany("INSERT INTO object(key, kind, length, listed, pieces, deltas) VALUES(?, ?, ?, 1, 0, 0)", rows)
base.commit()
base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
