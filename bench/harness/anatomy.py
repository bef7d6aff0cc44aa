"""What the bytes of a destination are, told apart by the independent reader.

A program of its own, started by `cost.py` with the Python that has the reader's
packages: `anatomy.py READER DESTINATION PASSWORD_FILE` prints one JSON object.
It counts what `doc/format.md` names and knows nothing of the program.
"""

import importlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

OBJECTS = {1: "data", 2: "meta", 3: "record"}
PIECES = {0: "chunk", 1: "tree", 2: "list", 3: "index", 4: "record"}


def anatomy(folder: str, password: str) -> dict[str, int]:
    """Counts and bytes; every byte of every object stands under exactly one name that ends in "bytes"."""
    format = importlib.import_module("repository")
    found: Counter[str] = Counter()
    destination = format.Destination(folder, password, format.Report())
    for repository in destination.repositories:
        for stored in repository.objects.values():
            plain = stored.read(repository.epochs)
            kind = OBJECTS[stored.kind]
            length = int.from_bytes(plain[-4:], "little")
            blocks = 0
            for piece, _, size, whole, _, lengths, *_ in format.decode(plain[-8 - length : -8], "a table"):
                found[f"{PIECES[piece]} bytes"] += size
                found[f"{PIECES[piece]} plain"] += whole
                found[f"{PIECES[piece]} pieces"] += len(lengths)
                blocks += size
            found[f"{kind} objects"] += 1
            found[f"table bytes in {kind}"] += length + 8
            found["seal bytes"] += stored.length - len(plain)
            found[f"padding bytes in {kind}"] += len(plain) - 8 - length - blocks
            found["sealed"] += stored.length
    for path in Path(folder).rglob("*"):
        found["key blocks"] += path.is_file() and path.stat().st_size == 4096
    return dict(found)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    print(json.dumps(anatomy(sys.argv[2], Path(sys.argv[3]).read_text().rstrip(os.linesep))))
