#!/usr/bin/env python3
"""An independent reader of keepmum repositories, written from doc/format.md alone.

It lists snapshots and gives back what they hold. It never writes to a repository, it never believes a length
before it has checked it, and it never writes outside the folder it restores into. "§" refers to doc/format.md.
"""
from __future__ import annotations

import argparse
import errno
import getpass
import hashlib
import hmac
import io
import json
import os
import re
import stat
import sys
import unicodedata
from base64 import b32decode, b32encode
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import cbor2
import zstandard
from blake3 import blake3
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KIB, MIB = 1 << 10, 1 << 20
MAX_OBJECT, MAX_TABLE, MAX_NODE, MAX_CHUNK = 256 * MIB, 32 * MIB, 4 * MIB, 4 * MIB
MAX_NAME, MAX_PATH, MAX_NESTING, MAX_LEVELS, MAX_BLOCKS_TRIED = 255, 65_535, 16, 8, 8
CHUNK, NODE, LIST, INDEX, RECORD = range(5)  # kinds of pieces (§5)
# §1 allows a block 4 MiB, yet a record 16 MiB and an index item a table of 32 MiB: these kinds get their own bound.
MAX_BLOCK = {CHUNK: 4 * MIB, NODE: 4 * MIB, LIST: 4 * MIB, INDEX: 33 * MIB, RECORD: 16 * MIB}
DATA_OBJECT, META_OBJECT, RECORD_OBJECT = 1, 2, 3
KINDS = ("file", "directory", "symlink", "fifo", "character device", "block device")
FILE, DIRECTORY, SYMLINK, FIFO, CHARACTER, BLOCK = range(6)
PUT, REMOVE, TOUCH = 0, 1, 2  # operations of an overlay (§6.4)
NAME_FORM = re.compile(r"[a-z2-7]{90}")
SALT = b"keepmum v0"


class Problem(Exception):
    """Something that one sentence tells; `code` is the exit code it leads to, `word` its kind."""
    code, word = 1, "error"


class NoRepository(Problem):
    code, word = 2, "not opened"


class Pending(Problem):
    code, word = 3, "pending"


class Refused(Problem):
    """Well formed, but of a kind that this reader does not know (§1.1)."""
    code, word = 3, "not understood"


class Damaged(Problem):
    code, word = 6, "damaged"


class Report:
    """Collects what went wrong: every sentence goes to standard error, the worst one decides the exit code."""

    def __init__(self) -> None:
        self.code = 0

    def problem(self, where: str, problem: Problem) -> None:
        self.code = max(self.code, problem.code)
        self.note(f"{where}: {problem.word}: {problem}" if where else f"{problem.word}: {problem}")

    def note(self, text: str) -> None:
        print(text, file=sys.stderr)


def shown(name: bytes | str) -> str:
    """A name as a terminal may see it: control characters and foreign bytes escaped."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


# ---- CBOR (§1): decoded with bounds, then every value is checked by one of these before it is used ----

def decode(data: bytes, what: str) -> Any:
    def no_tag(*_: Any) -> None:
        raise ValueError("a tag")
    source = io.BytesIO(data)
    try:
        value = cbor2.CBORDecoder(source, tag_hook=no_tag, semantic_decoders={n: no_tag for n in range(300)},
                                  read_size=1, max_depth=MAX_NESTING, allow_duplicate_keys=False).decode()
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
        raise Damaged(f"{what} is not CBOR as the format has it ({shown(str(error))})") from None
    need(source.tell() == len(data), f"{what} has bytes behind its CBOR")
    return value


def need(condition: bool, text: str) -> None:
    if not condition:
        raise Damaged(text)


def uint(value: Any, what: str, most: int = 2**64 - 1, least: int = 0) -> int:
    need(type(value) is int and least <= value <= most, f"{what} is not a number from {least} to {most}")
    return value


def blob(value: Any, what: str, most: int, least: int = 0) -> bytes:
    need(type(value) is bytes and least <= len(value) <= most, f"{what} is not {least} to {most} bytes")
    return value


def exact(value: Any, what: str, length: int) -> bytes:
    return blob(value, what, length, length)


def text(value: Any, what: str) -> str:
    need(type(value) is str, f"{what} is not text")
    return value


def array(value: Any, what: str, least: int = 0, most: int | None = None) -> list[Any]:
    need(type(value) is list and least <= len(value), f"{what} is not an array of at least {least}")
    need(most is None or len(value) <= most, f"{what} has more than {most} items")
    return value


def fields(value: Any, what: str, required: set[int], optional: set[int]) -> dict[int, Any]:
    """A map by rule 1.1: unknown odd keys are dropped, an unknown even key refuses the item."""
    need(type(value) is dict and all(type(key) is int for key in value), f"{what} is not a map with integer keys")
    for key in value.keys() - required - optional:
        if key % 2 == 0:
            raise Refused(f"{what} has the unknown key {key}")
    need(required <= value.keys(), f"{what} lacks one of the keys {sorted(required)}")
    return {key: value[key] for key in value.keys() & (required | optional)}


# ---- Keys and names (§2, §3, §4.2) ----

def hkdf(salt: bytes, secret: bytes, label: bytes, length: int) -> bytes:
    return HKDF(SHA512(), length, salt, label).derive(secret)


def base32(data: bytes) -> str:
    return b32encode(data).decode().rstrip("=").lower()


def unbase32(name: str) -> bytes | None:
    """The 56 bytes of a name of 90 characters, or None where it has not the right form."""
    if not NAME_FORM.fullmatch(name):
        return None
    data = b32decode(name.upper() + "======")
    return data if base32(data) == name else None


def unseal(key: bytes, context: bytes, sealed: bytes) -> bytes | None:
    opener = Cobblestone256Decryptor(key, context)
    try:
        return opener.update(sealed) + opener.finalize()
    except (InvalidTag, ValueError):
        return None


def recovery_bytes(typed: str) -> bytes | None:
    """The 20 bytes of a recovery code, or None where the text is not one."""
    code = re.sub(r"[\s-]", "", typed).lower()
    if not re.fullmatch(r"[a-z2-7]{36}", code):
        return None
    data = b32decode(code[:32].upper())
    return data if base32(blake3(b"keepmum recovery code" + data).digest())[:4] == code[32:] else None


def slot_keys(typed: str, salt: bytes) -> Iterator[tuple[int, bytes]]:
    """The slot keys (with the kind of slot) that a typed secret can mean for a block with this salt."""
    code = recovery_bytes(typed)
    if code is not None:
        yield 1, hkdf(SALT + salt, code, b"recovery", 32)
    password = unicodedata.normalize("NFC", typed).encode()
    yield 0, Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=256 * KIB).derive(password)


def open_slots(block: bytes, typed: str) -> tuple[bytes, bytes] | None:
    """Block key and slot id, where the typed secret opens one of the 16 slots."""
    for kind, kek in slot_keys(typed, block[:32]):
        for i in range(16):
            slot = block[32 + 128 * i:160 + 128 * i]
            derived = HKDFExpand(SHA512(), 76, b"keepmum v0 slot" + bytes([i])).derive(kek)
            if hmac.compare_digest(derived[44:], slot[:32]):
                try:
                    plain = AESGCM(derived[:32]).decrypt(derived[32:44], slot[32:], None)
                except InvalidTag:
                    continue
                if plain[40] == kind:
                    return plain[:32], plain[32:40]
    return None


@dataclass
class Keyring:
    generation: int
    repositories: dict[bytes, dict[int, bytes]]  # repository secret -> epoch number -> epoch secret
    removed: set[bytes]


def parse_keyring(plain: bytes) -> Keyring:
    length = int.from_bytes(plain[:2], "little")
    need(len(plain) == 1944 and length <= len(plain) - 2, "a keyring has a wrong length")
    top = fields(decode(plain[2:2 + length], "a keyring"), "a keyring", {0, 2, 4}, set())
    repositories: dict[bytes, dict[int, bytes]] = {}
    for item in array(top[2], "the repositories"):
        repository = fields(item, "a repository of the keyring", {0, 2, 4, 6}, set())
        epochs = repositories.setdefault(exact(repository[0], "a repository secret", 32), {})
        for epoch in array(repository[2], "the epochs"):
            number, secret = array(epoch, "an epoch", 2, 2)
            epochs[uint(number, "an epoch number", 65535, 1)] = exact(secret, "an epoch secret", 32)
    removed = {exact(slot, "a removed slot", 8) for slot in array(top[4], "the removed slots")}
    return Keyring(uint(top[0], "the generation", least=1), repositories, removed)


def block_name_fits(block: bytes, name: str) -> bool:
    context = "keepmum v0 key block name"
    return any(base32(blake3(bytes([i]) + block, derive_key_context=context).digest(56)) == name for i in range(3))


def open_key_blocks(files: list[tuple[str, str]], typed: str) -> Keyring:
    """Tries the candidates (path, name) of §3 and unites what opens at the highest generation."""
    blocks: list[tuple[bool, bytes]] = []
    for path, name in files:
        with open(path, "rb") as file:
            block = file.read(4097)
        if len(block) == 4096:
            blocks.append((not block_name_fits(block, name), block))
    if not blocks:
        raise NoRepository("there is no keepmum repository here: no key block was found")
    keys: list[bytes] = []
    slots: set[bytes] = set()
    rings: list[Keyring] = []
    for _, block in sorted(blocks, key=lambda pair: pair[0])[:MAX_BLOCKS_TRIED]:
        sealed = block[2080:]
        plain = next(filter(None, (unseal(key, b"keepmum v0 keyring", sealed) for key in keys)), None)
        if plain is None and (opened := open_slots(block, typed)) is not None:
            keys.append(opened[0])
            slots.add(opened[1])
            plain = unseal(opened[0], b"keepmum v0 keyring", sealed)
        if plain is not None:
            rings.append(parse_keyring(plain))
    if not rings:
        raise NoRepository("no key block opens: the password is wrong, or all key blocks are damaged")
    return unite(rings, slots)


def unite(rings: list[Keyring], slots: set[bytes]) -> Keyring:
    best = Keyring(max(ring.generation for ring in rings), {}, set())
    for ring in rings:
        if ring.generation == best.generation:
            best.removed |= ring.removed
            for secret, epochs in ring.repositories.items():
                best.repositories.setdefault(secret, {}).update(epochs)
    if slots <= best.removed:
        raise NoRepository("this password was removed from the repository")
    return best


# ---- Objects (§4) ----

@dataclass(eq=False)
class Stored:
    """An object that was named somewhere, with the files (path, size) that may hold it; none: it is not here."""
    device: bytes
    run: int
    number: int
    kind: int
    length: int
    hash: bytes
    epoch: int = 0
    files: list[tuple[str, int]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"object {self.number} of run {self.run} of device {self.device.hex()}"

    @property
    def context(self) -> bytes:
        return (b"keepmum v0 object" + self.epoch.to_bytes(2, "big") + bytes([self.kind]) + self.device
                + self.run.to_bytes(4, "big") + self.number.to_bytes(4, "big"))

    def here(self) -> bool:
        return any(size >= self.length for _, size in self.files)

    def read(self, epochs: dict[int, bytes]) -> bytes:
        """The plaintext; the original is tried first, then the conflict copies."""
        if not self.here():
            raise Pending(f"{self} is not here" if not self.files else f"{self} is not here in full")
        need(self.length <= MAX_OBJECT, f"{self} is larger than an object may be")
        if self.epoch not in epochs:
            raise Pending(f"{self} is of epoch {self.epoch}, which the key blocks that are here do not hold")
        key, unread = hkdf(SALT, epochs[self.epoch], b"object", 32), ""
        for path, _ in (pair for pair in self.files if pair[1] == self.length):
            try:
                with open(path, "rb") as file:
                    sealed = file.read(self.length + 1)
            except OSError as error:
                unread = str(error)
                continue
            if blake3(sealed).digest(16) == self.hash:
                plain = unseal(key, self.context, sealed)
                if plain is not None:
                    return plain
        if unread:
            raise Pending(f"{self} cannot be read now ({unread})")
        raise Damaged(f"{self} does not open ({len(self.files)} files tried)")


def parse_name(siv: AESSIV, data: bytes) -> Stored | None:
    try:
        plain = siv.decrypt(data, None)
    except InvalidTag:
        return None
    return Stored(plain[3:11], int.from_bytes(plain[11:15], "big"), int.from_bytes(plain[15:19], "big"), plain[2],
                  int.from_bytes(plain[19:24], "big"), plain[24:40], int.from_bytes(plain[:2], "big"))


@dataclass(eq=False)
class Block:
    stored: Stored
    codec: int
    start: int
    stored_length: int
    plain_length: int

    def expand(self, plaintext: bytes) -> bytes:
        data = plaintext[self.start:self.start + self.stored_length]
        if self.codec == 1:
            try:
                data = zstandard.ZstdDecompressor(max_window_size=8 * MIB).stream_reader(
                    data, read_across_frames=False).read(self.plain_length + 1)
            except zstandard.ZstdError:
                raise Damaged(f"a block of {self.stored} does not decompress") from None
        need(len(data) == self.plain_length, f"a block of {self.stored} has a wrong length")
        return data


class Cache:
    """Keeps the values used last, up to so many bytes."""

    def __init__(self, limit: int) -> None:
        self.limit, self.held, self.values = limit, 0, OrderedDict[Any, bytes]()

    def get(self, key: Any, make: Callable[[], bytes]) -> bytes:
        if key in self.values:
            self.values.move_to_end(key)
            return self.values[key]
        value = self.values[key] = make()
        self.held += len(value)
        while self.held > self.limit and len(self.values) > 1:
            self.held -= len(self.values.popitem(last=False)[1])
        return value


@dataclass(eq=False)
class Record:
    stored: Stored
    hash: bytes
    map: dict[int, Any]
    lists: dict[tuple[Any, ...], Stored] = field(default_factory=dict)


@dataclass(eq=False)
class Snapshot:
    repository: "Repository"
    record: Record
    body: dict[int, Any]
    id: str
    needs: list[tuple[bytes, int, int]]
    source: str

    def wants(self, device: bytes, run: int) -> bool:
        return any(device == d and first <= run <= last for d, first, last in self.needs)


class Repository:
    """One repository of a keyring: its objects by identity, its pieces by kind and id, its records."""

    def __init__(self, secret: bytes, epochs: dict[int, bytes]) -> None:
        self.siv = AESSIV(hkdf(SALT, secret, b"name", 64))
        self.id_key = hkdf(SALT, secret, b"chunk id", 32)
        self.epochs = epochs
        self.objects: dict[tuple[Any, ...], Stored] = {}
        self.places: dict[tuple[int, bytes], list[tuple[Block, int, int]]] = {}
        self.indexed: set[Stored] = set()
        self.records: list[Record] = []
        self.troubles: list[tuple[str, Problem]] = []
        self.opened, self.blocks = Cache(512 * MIB), Cache(64 * MIB)
        self.incomplete = False  # whether the snapshot that is read lacks objects: decides pending or damaged

    def adopt(self, path: str, size: int, data: bytes, original: bool) -> bool:
        stored = parse_name(self.siv, data)
        if stored is None:
            return False
        known = self.named(stored.device, stored.run, stored.number, stored.kind, stored.length, stored.hash)
        known.epoch = stored.epoch
        known.files.insert(0 if original else len(known.files), (path, size))
        return True

    def named(self, *identity: Any) -> Stored:
        return self.objects.setdefault(identity, Stored(*identity))

    def load(self) -> None:
        """Reads all meta and record objects: tables, indexes, records (§10)."""
        for stored in list(self.objects.values()):
            if stored.kind in (META_OBJECT, RECORD_OBJECT):
                self.guarded(str(stored), lambda: self.read_pieces(stored))
            elif stored.kind != DATA_OBJECT:
                self.troubles.append((str(stored), Refused(f"objects of kind {stored.kind} are not known")))
        self.check_chains()

    def guarded(self, where: str, action: Callable[[], object]) -> None:
        try:
            action()
        except Problem as problem:
            self.troubles.append((where, problem))

    def read_pieces(self, stored: Stored) -> None:
        for kind, piece_id in self.read_table(stored):
            if kind == INDEX:
                self.guarded(str(stored), lambda: self.read_index(stored, self.piece(kind, piece_id)))
            elif kind == RECORD and stored.kind == RECORD_OBJECT:
                self.read_record(stored, self.piece(kind, piece_id))

    def plaintext(self, stored: Stored) -> bytes:
        return self.opened.get(stored, lambda: stored.read(self.epochs))

    def read_table(self, stored: Stored) -> list[tuple[int, bytes]]:
        plain = self.plaintext(stored)
        need(len(plain) >= 8, f"{stored} has no footer")
        if plain[-8:-4] != bytes(4):
            raise Refused(f"{stored} is of version {plain[-8]}")
        length, room = int.from_bytes(plain[-4:], "little"), len(plain) - 8
        need(length <= min(MAX_TABLE, room), f"the table of {stored} does not fit")
        return self.add_table(stored, decode(plain[room - length:room], f"the table of {stored}"), room - length)

    def add_table(self, stored: Stored, table: Any, room: int) -> list[tuple[int, bytes]]:
        """Gives every piece of an object its place; returns kind and id of each."""
        found, start, what = [], 0, f"the table of {stored}"
        for item in array(table, what):
            array(item, what, 6)
            kind, codec, length, plain = (uint(n, what, MAX_OBJECT) for n in item[:4])
            ids, lengths = blob(item[4], what, MAX_TABLE), array(item[5], what)
            need(start + length <= room and len(ids) == 32 * len(lengths), f"{what} does not fit its blocks")
            block, offset = Block(stored, codec, start, length, plain), 0
            start += length
            if len(item) > 6 or codec > 1 or kind not in MAX_BLOCK:
                self.troubles.append((str(stored), Refused("a block is of a kind or codec that is not known")))
                continue
            need(plain <= MAX_BLOCK[kind], f"{what} has a block that is too large")
            for n, piece_length in enumerate(lengths):
                piece_id = ids[32 * n:32 * n + 32]
                self.places.setdefault((kind, piece_id), []).append((block, offset, piece_length))
                offset += uint(piece_length, what, MAX_BLOCK[kind])
                found.append((kind, piece_id))
            need(offset == plain, f"{what} has pieces that do not fill their block")
        self.indexed.add(stored)
        return found

    def read_index(self, holder: Stored, piece: bytes) -> None:
        for item in array(decode(piece, "an index"), "an index"):
            run, number, length, digest, table = array(item, "an item of an index", 5, 5)
            stored = self.named(holder.device, uint(run, "a run"), uint(number, "a number"), DATA_OBJECT,
                                 uint(length, "a length"), exact(digest, "a hash", 16))
            if stored not in self.indexed:
                self.add_table(stored, table, stored.length)

    def read_record(self, stored: Stored, piece: bytes) -> None:
        record = Record(stored, blake3(piece).digest(),
                        fields(decode(piece, "a record"), "a record", {0, 2, 8, 10, 12}, {1, 4, 6}))
        need(record.map[0] == stored.device and record.map[2] == stored.run, "a record is not of its object's run")
        for part in array(record.map[10], "the objects"):
            run, listed = array(part, "the objects of a run", 2, 2)
            for item in array(listed, "the objects of a run"):
                number, kind, length, digest = array(item, "a listed object", 4, 4)
                known = self.named(stored.device, uint(run, "a run", stored.run, 1), uint(number, "a number"),
                                    uint(kind, "a kind"), uint(length, "a length"), exact(digest, "a hash", 16))
                record.lists[known.run, known.number, known.hash] = known
        self.records.append(record)

    def links(self, record: Record) -> Iterator[tuple[bytes, int, bytes]]:
        """Every record that this one names as device, run, hash (§7.1, keys 4 and 6)."""
        if 4 in record.map:
            run, digest = array(record.map[4], "the link to a record", 2, 2)
            need(uint(run, "a run") < record.stored.run, "a record follows a later one")
            yield record.stored.device, run, digest
        for link in array(record.map.get(6, []), "the records seen"):
            device, run, digest = array(link, "a record seen", 3, 3)
            yield exact(device, "a device", 8), uint(run, "a run"), exact(digest, "a hash", 32)

    def check_chains(self) -> None:
        """Every link must end at the record with its hash; where no such run is here, that record is pending."""
        self.absent: set[tuple[bytes, int]] = set()
        known: dict[tuple[bytes, int], set[bytes]] = {}
        for record in self.records:
            known.setdefault((record.stored.device, record.stored.run), set()).add(record.hash)
        for record in self.records:
            try:
                for device, run, digest in self.links(record):
                    if (device, run) not in known:
                        self.absent.add((device, run))
                    elif digest not in known[device, run]:
                        raise Damaged(f"it does not follow the record of run {run} of {device.hex()} that is here")
            except Problem as problem:
                self.troubles.append((f"the record of {record.stored}", problem))

    def piece(self, kind: int, piece_id: Any) -> bytes:
        """The verified bytes of a piece, from any of the places that hold it."""
        exact(piece_id, "an id", 32)
        if (kind, piece_id) not in self.places:
            self.read_unindexed()
        problems: list[Problem] = []
        for block, offset, length in self.places.get((kind, piece_id), []):
            try:
                data = self.blocks.get(block, lambda: block.expand(self.plaintext(block.stored)))
                data = data[offset:offset + length]
                need(blake3(data, key=self.id_key).digest() == piece_id, f"a piece of {block.stored} is not its id's")
                return data
            except Problem as problem:
                problems.append(problem)
        if problems:
            raise next((p for p in problems if isinstance(p, Pending)), problems[0])
        if self.incomplete:
            raise Pending("an object that is not here holds the place of a part of it")
        raise Damaged("no object holds a part of it")

    def read_unindexed(self) -> None:
        """The own tables of data objects that no index covers: their run died too early (§8)."""
        for stored in list(self.objects.values()):
            if stored.kind == DATA_OBJECT and stored not in self.indexed and stored.here():
                self.indexed.add(stored)
                self.guarded(str(stored), lambda: self.read_table(stored))

    # -- snapshots (§7.4) --

    def snapshots(self) -> Iterator[Snapshot]:
        for record in self.records:
            try:
                items = [array(item, "an item", 2, 2) for item in array(record.map[12], "the items")]
                bodies = [body for kind, body in items if kind == 3]
                need(len(bodies) <= 1, "a record has two backups")
                for kind, _ in items:
                    if uint(kind, "a type") not in (1, 2, 3, 4) and kind < 128:
                        self.troubles.append((str(record.stored), Refused(f"items of type {kind} are not known")))
                yield from (self.snapshot(record, body) for body in bodies)
            except Problem as problem:
                self.troubles.append((f"the record of {record.stored}", problem))

    def snapshot(self, record: Record, value: Any) -> Snapshot:
        body = fields(value, "a backup", {0, 4, 6}, {1, 2, 8})
        name, roots = array(body[4], "the source", 2, 2)
        needs = [(exact(device, "a device", 8), uint(first, "a run"), uint(last, "a run"))
                 for device, first, last in (array(n, "a need", 3, 3) for n in array(body[6], "the needs"))]
        array(roots, "the roots")
        stored = record.stored
        identity = blake3(b"snapshot" + stored.device + stored.run.to_bytes(4, "big"), key=self.id_key).digest(16)
        return Snapshot(self, record, body, identity.hex(), needs, text(name, "the source"))

    def state(self, snapshot: Snapshot) -> tuple[int, int]:
        """How many of the objects in the runs that a snapshot needs are not here, and how many there are."""
        wanted = {snapshot.record.stored} | {r.stored for r in self.records
                                             if snapshot.wants(r.stored.device, r.stored.run)}
        for record in self.records:
            wanted |= {s for s in record.lists.values() if snapshot.wants(s.device, s.run)}
        absent = sum(snapshot.wants(device, run) for device, run in self.absent)
        return sum(not stored.here() for stored in wanted) + absent, len(wanted) + absent

    def device_name(self, device: bytes) -> str:
        first = [r for r in self.records if r.stored.device == device and 4 not in r.map]
        for record in first:
            for item in array(record.map[12], "the items"):
                if type(item) is list and len(item) == 2 and item[0] == 1 and type(item[1]) is dict:
                    return text(item[1].get(0), "a device name")
        return device.hex()

    # -- trees (§6) --

    def walk(self, snapshot: Snapshot) -> Iterator[tuple[tuple[bytes, ...], "Entry | Problem"]]:
        """All entries of a snapshot, a directory before what is in it, names in ascending order."""
        self.incomplete = self.state(snapshot)[0] > 0
        overlay, problems = parse_overlay(snapshot.body.get(2, []))
        yield from ((path, problem) for path, problem in problems)
        stack: list[tuple[tuple[bytes, ...], Iterator[Child]]]
        stack = [((), iter(self.children(snapshot.body[0], overlay)))]
        while stack:
            path, rest = stack[-1]
            found = next(rest, None)
            if found is None:
                stack.pop()
                continue
            name, item, change = found
            here = path if name is None else path + (name,)
            if sum(map(len, here)) + len(here) - 1 > MAX_PATH:
                yield path, Damaged("a path in it is too long")
                continue
            yield here, item
            if isinstance(item, Entry) and item.kind == DIRECTORY:
                stack.append((here, iter(self.children(item.node, change))))

    def children(self, node: Any, change: "Change | None") -> "list[Child]":
        """The entries of a directory with the overlay applied; a problem without a name is the directory's own."""
        problems: list[Child] = []
        entries: dict[bytes, Entry | Problem] = {}
        last = b""
        for item in self.entries(node, None):
            name = item.name if isinstance(item, Entry) else None
            if name is not None and name <= last:
                item = Damaged(f"the name {shown(name)} is out of order")
            if isinstance(item, Entry):
                entries[item.name] = item
                last = item.name
            else:
                problems.append((None, item, None))
        changes = change.children if change else {}
        for name, child in changes.items():
            child.apply(name, entries)
        return problems + [(name, entries[name], changes.get(name)) for name in sorted(entries)]

    def entries(self, node: Any, level: int | None) -> Iterator["Entry | Problem"]:
        try:
            data = self.piece(NODE, node)
            need(len(data) <= MAX_NODE, "a tree node is too large")
            found, items = array(decode(data, "a tree node"), "a tree node", 2, 2)
            need(uint(found, "a level", MAX_LEVELS) == level or level is None, "a tree node has the wrong level")
            array(items, "a tree node")
        except Problem as problem:
            yield problem
            return
        for item in items:
            try:
                if found == 0:
                    yield parse_entry(item)
                else:
                    yield from self.entries(array(item, "an item of a tree node", 2, 2)[1], found - 1)
            except Problem as problem:
                yield problem

    def content(self, entry: "Entry") -> Iterator[tuple[int, bytes | None]]:
        """The content of a file as (length, bytes), with None for a hole (§6.3)."""
        parts = array(entry.content, "a content", 1, 3)
        size = uint(parts[0], "a size", 2**63 - 1)
        if len(parts) == 3:
            yield from self.items(size, uint(parts[1], "a depth", MAX_LEVELS), array(parts[2], "a content", 0, 8))
        elif len(parts) == 2:
            yield from self.items(size, 0, [parts])
        else:
            need(size == 0, "a file that is not empty has no content")

    def items(self, size: int, depth: int, items: list[Any]) -> Iterator[tuple[int, bytes | None]]:
        total = 0
        for item in items:
            length = uint(array(item, "an item of a content", 1, 2)[0], "a length", size - total, 1)
            total += length
            if depth:
                need(len(item) == 2, "a list item has no id")
                found, below = array(decode(self.piece(LIST, item[1]), "a list node"), "a list node", 2, 2)
                need(uint(found, "a depth", MAX_LEVELS) == depth - 1, "a list node has the wrong depth")
                yield from self.items(length, found, array(below, "a list node", 1, 64))
            elif len(item) == 1:
                yield length, None
            else:
                data = self.piece(CHUNK, item[1])
                need(len(data) == length <= MAX_CHUNK, "a chunk has not the length that its file says")
                yield length, data
        need(total == size, "the lengths of a content do not add up")


@dataclass
class Entry:
    name: bytes
    kind: int
    content: Any
    node: Any
    target: bytes
    device: tuple[int, int]
    mode: int | None
    mtime: tuple[int, int] | None
    owner: tuple[int, int] | None
    link: int | None
    user: bytes | None
    group: bytes | None
    attributes: list[tuple[str, bytes, bytes]]


def good_name(value: Any) -> bytes:
    name = blob(value, "a name", MAX_NAME, 1)
    need(b"/" not in name and b"\0" not in name and name not in (b".", b".."), f"the name {shown(name)} is not allowed")
    return name


def parse_entry(value: Any, bare: bool = False) -> Entry:
    """An entry of §6.2; a bare one is a directory's without the id of its node."""
    raw_name = value.get(0, b"?") if type(value) is dict else b"?"
    what = f"the entry {shown(raw_name) if type(raw_name) is bytes else '?'}"
    raw = fields(value, what, {0, 2}, {1, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20})
    kind = uint(raw[2], "a kind")
    if kind >= len(KINDS) or 20 in raw:
        raise Refused(f"{what} is of a kind or has a name encoding that is not known")
    for owner, key in ((FILE, 4), (DIRECTORY, 6), (SYMLINK, 8), (CHARACTER, 10), (BLOCK, 10)):
        need(kind != owner or key in raw or (bare and key == 6), f"{what} lacks the key {key}")
    pair = {key: tuple(array(raw[key], what, 2, 2)) if key in raw else None for key in (10, 14, 16)}
    for numbers in (pair[10] or (), pair[16] or (), (pair[14] or ())[1:]):
        for number in numbers:
            uint(number, f"a number of {what}", 2**32 - 1)
    if pair[14]:
        uint(pair[14][0], f"the time of {what}", 2**63 - 1, -2**63)
        uint(pair[14][1], f"the time of {what}", 999_999_999)
    attributes = [(text(space, what), blob(name, what, MAX_NAME, 1), blob(data, what, MAX_NODE)) for space, name, data
                  in (array(a, what, 3, 3) for a in array(raw.get(5, []), what))]
    return Entry(good_name(raw[0]), kind, raw.get(4), raw.get(6), blob(raw.get(8, b""), what, MAX_PATH),
                 pair[10] or (0, 0), None if 12 not in raw else uint(raw[12], f"the mode of {what}", 0o7777),
                 pair[14], pair[16], None if 18 not in raw else uint(raw[18], f"the link group of {what}"),
                 None if 1 not in raw else blob(raw[1], what, MAX_PATH),
                 None if 3 not in raw else blob(raw[3], what, MAX_PATH), attributes)


Child = tuple[bytes | None, Entry | Problem, "Change | None"]


@dataclass
class Change:
    """What an overlay does at one path, and beneath it."""
    operation: int | None = None
    entry: Entry | Problem | None = None
    children: dict[bytes, "Change"] = field(default_factory=dict)

    def apply(self, name: bytes, entries: dict[bytes, Entry | Problem]) -> None:
        old = entries.get(name)
        is_directory = isinstance(old, Entry) and old.kind == DIRECTORY
        if self.operation == PUT:
            assert self.entry is not None
            entries[name] = self.entry
        elif self.operation == REMOVE:
            entries.pop(name, None)
        elif not is_directory:
            entries[name] = old if isinstance(old, Problem) else Damaged("the overlay wants a directory here")
        elif self.operation == TOUCH:
            assert self.entry is not None and isinstance(old, Entry)
            entries[name] = (replace(self.entry, node=old.node) if isinstance(self.entry, Entry) else self.entry)
        now = entries.get(name)
        if self.children and not (isinstance(now, Problem) or isinstance(now, Entry) and now.kind == DIRECTORY):
            entries[name] = Damaged("the overlay puts something beneath what is no directory")


def parse_overlay(value: Any) -> tuple[Change, list[tuple[tuple[bytes, ...], Problem]]]:
    top, last = Change(), tuple[bytes, ...]()
    problems: list[tuple[tuple[bytes, ...], Problem]] = []
    for item in array(value, "an overlay"):
        path = blob(array(item, "an overlay's item", 2)[0], "a path", MAX_PATH, 1)
        components = tuple(good_name(part) for part in path.split(b"/"))
        if components <= last:
            problems.append((components, Damaged("the overlay is not in order")))
        last, here = components, top
        for component in components:
            here = here.children.setdefault(component, Change())
        here.operation = uint(item[1], "an operation")
        try:
            if here.operation > TOUCH:
                raise Refused(f"the overlay's operation {here.operation} is not known")
            array(item, "an overlay's item", 2 + (here.operation != REMOVE), 2 + (here.operation != REMOVE))
            if here.operation != REMOVE:
                here.entry = parse_entry(item[2], here.operation == TOUCH)
                need(here.entry.name == components[-1], "the overlay's entry has not the name of its path")
                need(here.operation == PUT or here.entry.kind == DIRECTORY and here.entry.node is None,
                     "the overlay gives a directory the entry of something else")
        except Problem as problem:
            here.operation, here.entry = PUT, problem
    return top, problems


# ---- The destination as a whole (§10) ----

class Destination:
    def __init__(self, folder: str, typed: str, report: Report) -> None:
        files = [(path, size, unbase32(name[:90]), name) for path, size, name in regular_files(folder, report)]
        blocks = [(path, name[:90]) for path, size, data, name in files if size == 4096 and data]
        ring = open_key_blocks(blocks, typed)
        self.repositories = [Repository(secret, epochs) for secret, epochs in ring.repositories.items()]
        self.foreign = 0
        for path, size, data, name in files:
            if (path, name[:90]) in blocks:
                continue
            if data is None or not any(r.adopt(path, size, data, len(name) == 90) for r in self.repositories):
                self.foreign += 1
        for repository in self.repositories:
            repository.load()
        self.snapshots = [s for r in self.repositories for s in r.snapshots()]
        self.snapshots.sort(key=lambda s: (moment(s)[0], s.record.stored.run))

    def troubles(self) -> Iterator[tuple[str, Problem]]:
        for repository in self.repositories:
            yield from repository.troubles

    def choose(self, wanted: str, report: Report) -> Snapshot:
        """The snapshot with this prefix of its id, or the latest of the one device and source."""
        if wanted != "latest":
            found = [s for s in self.snapshots if wanted and s.id.startswith(wanted.lower())]
            if len(found) != 1:
                raise Problem(f"{len(found)} snapshots have an id that begins with '{shown(wanted)}'")
            return found[0]
        if len({(s.record.stored.device, s.source) for s in self.snapshots}) != 1:
            raise Problem("'latest' is not clear: there is no snapshot, or several devices or sources; give an id")
        ordered = sorted(self.snapshots, key=lambda s: s.record.stored.run)
        complete = [s for s in ordered if s.repository.state(s)[0] == 0]
        if complete and complete[-1] is not ordered[-1]:
            report.note(f"the newest snapshot {ordered[-1].id} is pending; {complete[-1].id} is the latest complete")
        return (complete or ordered)[-1]


def regular_files(folder: str, report: Report) -> Iterator[tuple[str, int, str]]:
    if not os.path.isdir(folder):
        raise NoRepository(f"{shown(folder)} is not a folder that can be read")
    def unread(error: OSError) -> None:
        report.problem(shown(str(error.filename)), Pending("this folder cannot be read"))
    for parent, folders, names in os.walk(folder, onerror=unread):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            yield path, status.st_size, name if stat.S_ISREG(status.st_mode) else ""


def moment(snapshot: Snapshot) -> tuple[int, int]:
    value = snapshot.record.map[8]
    good = type(value) is list and len(value) == 3 and all(type(n) is int for n in value)
    return (value[0], value[2]) if good else (0, 0)


def moment_text(snapshot: Snapshot) -> str:
    seconds, minutes = moment(snapshot)
    try:
        return datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes))).isoformat(" ")
    except (ValueError, OverflowError, OSError):
        return "unknown time"


# ---- Restoring ----

class Restorer:
    """Writes a snapshot beneath an empty folder, through folder handles that follow no link."""
    FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

    def __init__(self, target: str, special: bool, report: Report) -> None:
        os.makedirs(target, mode=0o700, exist_ok=True)
        if os.listdir(target):
            raise Problem(f"{shown(target)} is not empty; nothing was restored")
        self.root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.special, self.report, self.is_root = special, report, os.geteuid() == 0
        self.at: tuple[tuple[bytes, ...], int] = ((), os.dup(self.root))
        self.first_of: dict[int, tuple[bytes, ...]] = {}
        self.folders: list[tuple[tuple[bytes, ...], Entry]] = []

    def folder(self, path: tuple[bytes, ...]) -> int:
        """A handle of a folder beneath the target; the one used last stays open."""
        if path != self.at[0]:
            handle = os.dup(self.root)
            for component in path:
                try:
                    below = os.open(component, self.FOLDER, dir_fd=handle)
                finally:
                    os.close(handle)
                handle = below
            os.close(self.at[1])
            self.at = path, handle
        return self.at[1]

    def restore(self, snapshot: Snapshot) -> None:
        before = os.umask(0)
        try:
            for path, item in snapshot.repository.walk(snapshot):
                self.guarded(path, lambda: self.one(snapshot.repository, path, item))
            for path, entry in reversed(self.folders):
                self.guarded(path, lambda: self.finish(path, entry))
        finally:
            os.umask(before)

    def guarded(self, path: tuple[bytes, ...], action: Callable[[], None]) -> None:
        try:
            action()
        except Problem as problem:
            self.report.problem(shown(b"/".join(path)) or "/", problem)
        except (OSError, OverflowError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
                raise Problem(f"the target cannot be written: {error.strerror}") from None
            self.report.problem(shown(b"/".join(path)) or "/", Refused(f"not restored here ({error})"))

    def one(self, repository: Repository, path: tuple[bytes, ...], item: Entry | Problem) -> None:
        if isinstance(item, Problem):
            raise item
        parent = self.folder(path[:-1])
        if item.kind == DIRECTORY:
            os.mkdir(item.name, 0o700, dir_fd=parent)
            self.folders.append((path, item))
            return
        if item.link in self.first_of and self.hard_link(path, self.first_of[item.link]):
            return
        if item.kind == FILE:
            self.file(repository, parent, item)
        elif item.kind == SYMLINK:
            os.symlink(item.target, item.name, dir_fd=parent)
        elif item.kind == FIFO:
            os.mkfifo(item.name, self.mode(item), dir_fd=parent)
        elif not (self.special and self.is_root):
            self.report.note(f"{shown(b'/'.join(path))}: devices are restored by root with --special only")
            return
        else:
            form = stat.S_IFCHR if item.kind == CHARACTER else stat.S_IFBLK
            os.mknod(item.name, form | self.mode(item), os.makedev(*item.device), dir_fd=parent)
        if item.kind != FILE:
            self.dress_name(parent, path, item)
        if item.link is not None:
            self.first_of[item.link] = path

    def hard_link(self, path: tuple[bytes, ...], first: tuple[bytes, ...]) -> bool:
        source = os.dup(self.folder(first[:-1]))
        try:
            os.link(first[-1], path[-1], src_dir_fd=source, dst_dir_fd=self.folder(path[:-1]), follow_symlinks=False)
            return True
        except OSError as error:
            self.report.note(f"{shown(b'/'.join(path))}: restored as a file of its own ({error.strerror})")
            self.folder(path[:-1])
            return False
        finally:
            os.close(source)

    def file(self, repository: Repository, parent: int, entry: Entry) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(entry.name, flags, 0o600, dir_fd=parent)
        try:
            end = 0
            for length, data in repository.content(entry):
                while data:
                    data = data[os.pwrite(handle, data, end + length - len(data)):]
                end += length
            os.ftruncate(handle, end)
            self.dress(handle, entry)
        except BaseException:
            os.unlink(entry.name, dir_fd=parent)  # a part of a file would pass for the file
            raise
        finally:
            os.close(handle)

    def mode(self, entry: Entry) -> int:
        """The mode; set-user-id and set-group-id bits only where the owner they were meant for is kept."""
        mode = entry.mode if entry.mode is not None else (0o755 if entry.kind == DIRECTORY else 0o644)
        kept = entry.owner is not None and (self.is_root or entry.owner == (os.geteuid(), os.getegid()))
        return mode if kept else mode & 0o1777

    def finish(self, path: tuple[bytes, ...], entry: Entry) -> None:
        self.dress(self.folder(path), entry)

    def dress(self, handle: int, entry: Entry) -> None:
        """Owner, mode, attributes and time of an open file or folder; in this order, as each clears what follows."""
        if self.is_root and entry.owner:
            os.fchown(handle, *entry.owner)
        os.fchmod(handle, self.mode(entry))
        self.attributes(handle, entry, True)
        if entry.mtime:
            os.utime(handle, ns=(nanoseconds(entry),) * 2)

    def dress_name(self, parent: int, path: tuple[bytes, ...], entry: Entry) -> None:
        if self.is_root and entry.owner:
            os.chown(entry.name, *entry.owner, dir_fd=parent, follow_symlinks=False)
        self.attributes(b"/proc/self/fd/%d/%s" % (parent, entry.name), entry, False)
        if entry.mtime:
            os.utime(entry.name, ns=(nanoseconds(entry),) * 2, dir_fd=parent, follow_symlinks=False)

    def attributes(self, where: int | bytes, entry: Entry, follow: bool) -> None:
        for space, name, value in entry.attributes:
            try:
                if space != "xattr" or not hasattr(os, "setxattr"):
                    raise OSError(errno.ENOTSUP, "not known here")
                os.setxattr(where, name, value, follow_symlinks=follow)
            except OSError as error:
                self.report.note(f"{shown(entry.name)}: attribute {shown(name)} is not kept: {error.strerror}")


def nanoseconds(entry: Entry) -> int:
    return entry.mtime[0] * 10**9 + entry.mtime[1] if entry.mtime else 0


# ---- Commands ----

def list_snapshots(destination: Destination, _: argparse.Namespace, report: Report) -> None:
    for snapshot in destination.snapshots:
        repository, record, summary = snapshot.repository, snapshot.record, snapshot.body.get(1)
        missing, wanted = repository.state(snapshot)
        files = summary.get(0, "?") if type(summary) is dict else "?"
        print(snapshot.id, moment_text(snapshot), shown(repository.device_name(record.stored.device)),
              shown(snapshot.source), f"{files} files", f"pending {missing} of {wanted}" if missing else "complete",
              sep="\t")
    for where, problem in destination.troubles():
        report.code = max(report.code, problem.code)
    report.note(f"{len(destination.snapshots)} snapshots; {destination.foreign} foreign files ignored")


def restore(destination: Destination, options: argparse.Namespace, report: Report) -> None:
    Restorer(options.target, options.special, report).restore(destination.choose(options.snapshot, report))


def ls(destination: Destination, options: argparse.Namespace, report: Report) -> None:
    snapshot = destination.choose(options.snapshot, report)
    for path, item in snapshot.repository.walk(snapshot):
        if isinstance(item, Problem):
            report.problem(shown(b"/".join(path)) or "/", item)
            continue
        size = item.content[0] if item.kind == FILE and type(item.content) is list and item.content else "-"
        mode = f"{item.mode:04o}" if item.mode is not None else "-"
        tail = f" -> {shown(item.target)}" if item.kind == SYMLINK else ""
        print(f"{KINDS[item.kind][0]} {mode} {size:>12} {shown(b'/'.join(path))}{tail}")


def spelled(key: str, value: bytes) -> dict[str, str]:
    """A byte string for JSON: as text where it is UTF-8, else as KEY_hex."""
    try:
        return {key: value.decode()}
    except UnicodeDecodeError:
        return {f"{key}_hex": value.hex()}


def manifest(destination: Destination, options: argparse.Namespace, report: Report) -> None:
    snapshot = destination.choose(options.snapshot, report)
    first_of: dict[int, bytes] = {}
    for path, item in snapshot.repository.walk(snapshot):
        line: dict[str, Any] = spelled("path", b"/".join(path))
        try:
            if isinstance(item, Problem):
                raise item
            line |= described(item, b"/".join(path), first_of)
            if item.kind == FILE:
                line |= digest(snapshot.repository.content(item))
        except Problem as problem:
            line["error"] = problem.word
            report.problem(shown(b"/".join(path)) or "/", problem)
        print(json.dumps(line, sort_keys=True))


def described(entry: Entry, path: bytes, first_of: dict[int, bytes]) -> dict[str, Any]:
    line: dict[str, Any] = {"kind": KINDS[entry.kind]}
    for key, value in (("mode", entry.mode), ("mtime", entry.mtime), ("owner", entry.owner)):
        if value is not None:
            line[key] = value
    for key, name in (("user", entry.user), ("group", entry.group)):
        line |= spelled(key, name) if name is not None else {}
    if entry.kind == SYMLINK:
        line |= spelled("target", entry.target)
    if entry.kind in (CHARACTER, BLOCK):
        line["device"] = entry.device
    if entry.attributes:
        line["attributes"] = [[space, name.hex(), value.hex()] for space, name, value in entry.attributes]
    if entry.link is not None and (first := first_of.setdefault(entry.link, path)) != path:
        line |= spelled("hard_link_of", first)
    return line


def digest(content: Iterator[tuple[int, bytes | None]]) -> dict[str, Any]:
    sha, size, holes, zeros = hashlib.sha256(), 0, [], bytes(MIB)
    for length, data in content:
        if data is None:
            holes.append([size, length])
            for start in range(0, length, MIB):
                sha.update(zeros[:min(MIB, length - start)])
        else:
            sha.update(data)
        size += length
    return {"size": size, "sha256": sha.hexdigest()} | ({"holes": holes} if holes else {})


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Problem(f"{message}; {self.format_usage().strip()}")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(description="Reads keepmum repositories, format version 0.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, action, about in (("list", list_snapshots, "the snapshots"), ("ls", ls, "what is in a snapshot"),
                                ("manifest", manifest, "one line of JSON for each entry, with SHA-256 of contents"),
                                ("restore", restore, "everything in a snapshot, into an empty folder")):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("destination")
        if action is not list_snapshots:
            command.add_argument("snapshot", help="the beginning of its id, or 'latest'")
        if action is restore:
            command.add_argument("target", help="a folder that is empty or not there yet")
            command.add_argument("--special", action="store_true", help="restore devices too (root only)")
        command.add_argument("--password-file", help="a file whose text is the password or the recovery code")
        command.set_defaults(action=action)
    return parser.parse_args(arguments)


def typed_secret(options: argparse.Namespace) -> str:
    """The password or recovery code, without the line end that an editor leaves."""
    if options.password_file:
        try:
            with open(options.password_file, encoding="utf-8", newline="") as file:
                return re.sub(r"\r?\n\Z", "", file.read(64 * KIB))
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"the password file cannot be read ({error})") from None
    return os.environ.get("KEEPMUM_PASSWORD") or getpass.getpass("Password or recovery code: ")


def main(arguments: list[str] | None = None) -> int:
    report = Report()
    try:
        options = parse_arguments(arguments)
        destination = Destination(options.destination, typed_secret(options), report)
        before = list(destination.troubles())
        options.action(destination, options, report)
        for where, problem in before:
            report.note(f"{where}: {problem.word}: {problem}")
        return report.code
    except Problem as problem:
        report.note(f"error: {problem}")
        return problem.code
    except OSError as error:
        report.note(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
