"""Reads keepmum repositories, written from doc/format.md alone: keys, objects, records, trees, contents.

It never writes, and it never believes a length before it has checked it. "§" refers to doc/format.md.
"""
from __future__ import annotations

import contextlib
import hmac
import os
import random
import re
import stat
import sys
import unicodedata
from base64 import b32decode, b32encode
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import zstandard
from blake3 import blake3
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KIB, MIB = 1 << 10, 1 << 20
MAX_OBJECT, MAX_NAMED, MAX_BLOCK = 256 * MIB, 2**40 - 1, 4 * MIB  # a table, chunk, node, index or record is no longer than a block
MAX_REACH, DELTA = 9, 2  # blocks decoded for one piece, and the codec of those that stand on others (§4.4)
MAX_NAME, MAX_PATH, MAX_ITEMS, MAX_NESTING, MAX_LEVELS = 1023, 131_071, 65_535, 16, 8
MAX_VALUE = 65_536  # of an attribute, as far as Linux takes one
BLOCK_LENGTHS = (4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB)  # of key blocks (§3)
TRIED_OPEN = 64  # key blocks tried in vain with the password after one has opened (§3)
CHUNK, NODE, LIST, INDEX, RECORD = range(5)  # kinds of pieces (§5)
DATA_OBJECT, META_OBJECT, RECORD_OBJECT = 1, 2, 3
UNDO, FORGET, PIN, TAG, INTENT, SWEEP, RETIRE, NAME = 2, 5, 6, 7, 8, 9, 11, 128  # types of items (§7.5 to §7.7)
LIFE = {UNDO: ({0, 2, 4}, set()), FORGET: ({0}, set()), PIN: ({0}, set()), TAG: ({0, 2}, set()), INTENT: ({0}, set()),
        SWEEP: ({0, 2}, set()), RETIRE: ({0}, {2}), NAME: ({0}, set())}  # the keys that they must and may have
KINDS = ("file", "directory", "symlink", "fifo", "character device", "block device")
FILE, DIRECTORY, SYMLINK, FIFO, CHARACTER, BLOCK = range(6)
NAME_FORM = re.compile(r"[a-z2-7]{90}")
NAME_PLACE = re.compile(r"(?<![A-Za-z2-7])[A-Za-z2-7]{90}")  # in a file name
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".unison",
              ".!sync", ".syncpart", ".synctemp")
STUBS = (".icloud", ".nextcloud", ".owncloud")
OWN_FOLDERS = ("rubbish", "lost_and_found", "lost+found")  # of clients, beside those that begin with a sign
SALT = b"keepmum v0"


class Problem(Exception):
    """Something that one sentence tells; `code` is the exit code it leads to, `word` its kind."""
    code, word = 1, "error"


class NoRepository(Problem):
    code, word = 2, "not opened"


class Pending(Problem):
    code, word = 3, "pending"


class Arriving(Pending):
    """A file of an object has its length and not yet its bytes (§10)."""


class Refused(Problem):
    """Well formed, but of a kind that this reader does not know (§1.1)."""
    code, word = 3, "not understood"


class LaterVersion(Refused):
    """A key block that only a later version reads (§3)."""


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

class Strange:
    """A well-formed item that stands nowhere in this version: a tag, a float, a simple value, a map with a key twice."""


class Decoder:
    """One item after another. Only what is read of a value is looked at: within an unknown key anything may stand."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def head(self) -> tuple[int, int, int]:
        """Major type, what the low five bits say, and the number."""
        first = self.take(1)[0]
        major, low = first >> 5, first & 31
        if low < 24:
            return major, low, low
        if low > 27:
            raise ValueError("an indefinite or reserved length")
        return major, low, int.from_bytes(self.take(1 << low - 24), "big")

    def item(self, depth: int = 0) -> Any:
        major, low, number = self.head()
        if depth == MAX_NESTING and major in (4, 5, 6):
            raise ValueError("too deep")
        if major < 2:
            return number if major == 0 else -1 - number
        if major == 2:
            return self.take(number)
        if major == 3:
            return self.take(number).decode()
        if major == 7:
            return Strange()
        if number > len(self.data):
            raise ValueError("more items than there are bytes")
        if major == 4:
            return [self.item(depth + 1) for _ in range(number)]
        if major == 6:
            self.item(depth + 1)
            return Strange()
        pairs = [(self.item(depth + 1), self.item(depth + 1)) for _ in range(number)]
        if not all(type(key) is int and key >= 0 for key, _ in pairs):
            return Strange()
        found = dict(pairs)
        if len(found) < len(pairs):
            found[TWICE] = True
        return found


TWICE = -1  # marks a map in which a key stands twice


def decode(data: bytes, what: str) -> Any:
    decoder = Decoder(data)
    try:
        value = decoder.item()
    except (ValueError, MemoryError) as error:
        raise Damaged(f"{what} is not CBOR as the format has it ({shown(str(error))})") from None
    need(decoder.at == len(data), f"{what} has bytes behind its CBOR")
    return value


def need(condition: bool, text: str) -> None:
    if not condition:
        raise Damaged(text)


def uint(value: Any, what: str, most: int = 2**64 - 1, least: int = 0) -> int:
    need(type(value) is int and least <= value <= most, f"{what} is not a number from {least} to {most}")
    return value


def run_number(value: Any, most: int = 2**32 - 1) -> int:
    return uint(value, "a run", most, 1)


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


def row(value: Any, what: str, least: int, known: int | None = None) -> list[Any]:
    """An array whose elements have a meaning each; those behind the known ones are of a later version."""
    return array(value, what, least)[:least if known is None else known]


def fields(value: Any, what: str, required: set[int], optional: set[int]) -> dict[int, Any]:
    """A map by rule 1.1: unknown odd keys are dropped, an unknown even key refuses the item."""
    need(type(value) is dict, f"{what} is not a map with unsigned keys")
    for key in value.keys() - required - optional - {TWICE}:
        if key % 2 == 0:
            raise Refused(f"{what} has the unknown key {key}")
    need(TWICE not in value, f"{what} has a key twice")
    need(required <= value.keys(), f"{what} lacks one of the keys {sorted(required)}")
    return {key: value[key] for key in value.keys() & (required | optional)}


def left_out(value: Any) -> dict[int, Any] | None:
    """What a run left out (§7.4); None where the record does not say it, or says more than is known."""
    if value is None:
        return None
    try:
        said = fields(value, "what was left out", set(), set(range(0, 18, 2)))
    except Refused:
        return None
    for key in said.keys() & {0, 8, 10, 12, 14}:
        for item in array(said[key], "what was left out", 0, MAX_ITEMS):
            text(item, "a pattern") if key == 0 else need(type(item) is bytes, "a path is not bytes")
    for key in said.keys() & {2, 4, 6, 16}:
        uint(said[key], "what was left out")
    return said


def read_moment(value: Any) -> None:
    """The time of a record (§7.1, key 8)."""
    seconds, nanoseconds, minutes = row(value, "the time of a record", 3)
    uint(seconds, "the time of a record", 2**63 - 1, -2**63)
    uint(nanoseconds, "the time of a record", 999_999_999)
    uint(minutes, "the offset of a record", 2**15 - 1, -2**15)


def read_link(value: Any) -> tuple[bytes, int, bytes]:
    device, run, digest = row(value, "a link to a record", 3)
    return exact(device, "a device", 8), run_number(run), exact(digest, "a hash", 32)


def read_item(value: Any) -> tuple[int, Any]:
    """Type and body of an item of a record. What is unknown in it refuses the item; what is malformed, the record."""
    kind, body = row(value, "an item", 2)
    uint(kind, "a type")
    try:
        if kind == 1:
            body = fields(body, "a join", {0, 2}, {4})
            text(body[0], "a device name")
            exact(body[2], "a token", 16)
            if 4 in body:
                read_link(body[4])
        elif kind == 3:
            body = read_backup(body)
        elif kind == 4:
            fields(body, "a checkpoint", set(), set())
        elif kind in LIFE:
            body = read_life_item(kind, body)
        elif kind < 128:
            raise Refused(f"items of type {kind} are not known")
    except Refused as problem:
        return kind, problem
    return kind, body


def read_life_item(kind: int, value: Any) -> dict[int, Any]:
    """The body of an item about snapshots, objects or devices (§7.5 to §7.7)."""
    required, possible = LIFE[kind]
    body = fields(value, "an item", required, possible)
    if kind in (UNDO, FORGET, PIN, TAG):
        for snapshot in array(body[0], "the snapshots"):
            exact(snapshot, "a snapshot id", 16)
    if kind == UNDO:
        if uint(body[2], "a type") not in (FORGET, PIN, TAG):
            raise Refused("an undo is of items that are not known")
        body[4] = [read_link(link) for link in array(body[4], "the undone records")]
    elif kind == SWEEP:
        body[0] = read_own_link(body[0])
    elif kind == RETIRE:
        exact(body[0], "a device", 8)
        if 2 in body:
            read_own_link(body[2])
    if kind in (INTENT, SWEEP):
        key = 0 if kind == INTENT else 2
        body[key] = set(read_objects(body[key]))
    if kind in (TAG, NAME):
        short = text(body[2 if kind == TAG else 0], "a name")
        need(1 <= len(short.encode()) <= 100, "a name has no bytes or too many")
    return body


def read_own_link(value: Any) -> tuple[int, bytes]:
    run, digest = row(value, "a record of a device", 2)
    return run_number(run), exact(digest, "a hash", 32)


def read_objects(value: Any) -> Iterator[tuple[bytes, int, int, bytes]]:
    """Objects as device, run, number, hash."""
    for of_device in array(value, "the devices of objects", 0, MAX_ITEMS):
        device, runs = row(of_device, "the objects of a device", 2)
        for of_run in array(runs, "the runs of objects"):
            run, objects = row(of_run, "the objects of a run", 2)
            for item in array(objects, "the objects of a run"):
                number, digest = row(item, "an object", 2)
                yield (exact(device, "a device", 8), run_number(run), uint(number, "a number", 2**32 - 1),
                       exact(digest, "a hash", 16))


def read_backup(value: Any) -> dict[int, Any]:
    """The body of a backup (§7.4); key 4 is the source's name, key 6 has the needs."""
    body = fields(value, "a backup", {0, 4, 6, 8}, {1, 3})
    exact(body[0], "the id of a root", 32)
    body[3] = left_out(body.get(3))
    name, roots = row(body[4], "the source", 2)
    for root in array(roots, "the roots", 0, MAX_ITEMS):
        blob(root, "a root", MAX_PATH)
    body[4] = text(name, "the source")
    body[6] = [(exact(device, "a device", 8), run_number(first), run_number(last))
               for device, first, last in (row(n, "a need", 3) for n in array(body[6], "the needs"))]
    need(all(first <= last for _, first, last in body[6]), "a need begins behind its end")
    uint(body[8], "a count of entries")
    body[1] = fields(body.get(1, {}), "a summary", set(), set(range(10)))
    for count in body[1].values():
        uint(count, "a count of a summary")
    return body


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


@dataclass
class FileName:
    """A file in the destination, and the name of an object in its file name (§4.2)."""
    path: str
    size: int
    name: str = ""
    data: bytes = b""
    readable: bool = False  # neither on its way nor a placeholder
    original: bool = False

    @classmethod
    def of(cls, path: str, size: int, file: str, folders: str) -> "FileName":
        for found in NAME_PLACE.finditer(file):
            name = found.group().lower()
            data, before, after = unbase32(name), file[:found.start()], file[found.end():].lower()
            if data is not None:
                unread = before[:1] in (".", "~") or after.endswith(UNFINISHED) or after in STUBS and not before
                aside = any(folder[0] in ".~$#@" or folder.lower() in OWN_FOLDERS for folder in folders.split(os.sep) if folder)
                return cls(path, size, name, data, not unread, file == name and not aside)
        return cls(path, size)


def unseal(key: bytes, context: bytes, sealed: bytes) -> bytes | None:
    opener = Cobblestone256Decryptor(key, context)
    try:
        return opener.update(sealed) + opener.finalize()
    except (InvalidTag, ValueError):
        return None


def recovery_bytes(typed: str) -> bytes | None:
    """The 20 bytes of a recovery code, or None where the text is not one."""
    code = re.sub(r"[\s\u00ad_.\u2010-\u2015\u200b-\u200f\u2060\u2212\ufe58\ufe63\ufeff\uff0d-]", "", typed).lower()
    code = code.replace("0", "o").replace("1", "l")
    if not re.fullmatch(r"[a-z2-7]{36}", code):
        return None
    data = b32decode(code[:32].upper())
    return data if base32(blake3(b"keepmum recovery code" + data).digest())[:4] == code[32:] else None


def slot_keys(typed: str) -> Iterator[tuple[bool, Callable[[bytes], bytes]]]:
    """What a typed secret can mean: whether it is dear to try, and the kek for a salt."""
    code = recovery_bytes(typed)
    if code is not None:
        yield False, lambda salt: hkdf(SALT + salt, code, b"recovery", 32)
    password = unicodedata.normalize("NFC", typed).encode()
    yield True, lambda salt: Argon2id(salt=salt, length=32, iterations=3, lanes=4,
                                      memory_cost=256 * KIB).derive(password)


Epochs = dict[int, list[bytes]]  # the secrets of each epoch number, of two with one number both


def expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA512(), length, info).derive(key)


@dataclass
class KeyBlock:
    """A key block; its salt and its ephemeral key without the mask."""
    data: bytes
    whole: bool
    salt: bytes = b""
    ephemeral: bytes = b""

    def __post_init__(self) -> None:
        mask = blake3(self.data[1984:2040], derive_key_context="keepmum v0 key block mask").digest(64)
        head = bytes(a ^ b for a, b in zip(self.data, mask))
        self.salt, self.ephemeral = head[:32], head[32:]

    def open_slots(self, kek: bytes) -> list[bytes]:
        """The block key of each of the 16 slots that this kek opens."""
        private = X25519PrivateKey.from_private_bytes(expand(kek, b"keepmum v0 slot key", 32))
        public = private.public_key().public_bytes_raw()
        found: list[bytes] = []
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(self.ephemeral))
        except ValueError:  # all zeros
            return found
        for i in range(16):
            slot = self.data[64 + 88 * i:152 + 88 * i]
            derived = hkdf(SALT, shared, b"keepmum v0 slot" + bytes([i]) + self.ephemeral + public, 76)
            if hmac.compare_digest(derived[44:], slot[:32]):
                with contextlib.suppress(InvalidTag):
                    found.append(AESGCM(derived[:32]).decrypt(derived[32:44], slot[32:], None)[:32])
        return found

    def mark(self, key: bytes) -> bytes:
        return blake3(key + self.ephemeral, derive_key_context="keepmum v0 key block mark").digest(8)

    def follows(self, key: bytes) -> bool:
        mark = self.mark(key)
        return any(self.data[at:at + 8] == mark for at in range(1480, 1984, 8))


@dataclass
class Edition:
    """The blocks with one block key."""
    key: bytes
    generation: int
    repositories: list[tuple[bytes, bytes, Epochs]]  # id, secret, epochs
    blocks: list[KeyBlock] = field(default_factory=list)

    def mark_key(self) -> bytes:
        return expand(self.key, b"keepmum v0 mark", 16)


def parse_keyring(plain: bytes, key: bytes) -> Edition:
    length = int.from_bytes(plain[:2], "little")
    need(length <= len(plain) - 2 and not any(plain[2 + length:]), "a keyring has a wrong length")
    top = decode(plain[2:2 + length], "a keyring")
    need(type(top) is dict and 0 in top, "a keyring does not say who may read it")
    if uint(top[0], "the least reader") > 0:
        raise LaterVersion(f"a key block was made for version {top[0]} of the format")
    top = fields(top, "a keyring", {0, 2, 4, 6, 8, 10}, {12})
    if top.get(12, 1) != 1:
        raise Refused("a keyring is restricted in a way that is not known")
    edition = Edition(key, uint(top[2], "the generation", least=1), [])
    for item in array(top[4], "the repositories", 1, 64):
        repository = fields(item, "a repository of the keyring", {0, 2, 4, 6}, set())
        epochs: Epochs = {}
        for each in array(repository[2], "the epochs", 1, 1024):
            epoch = fields(each, "an epoch", {0}, {1, 2})
            number = uint(epoch[0], "an epoch number", 65535, 1)
            if 2 in epoch:
                epochs.setdefault(number, []).append(exact(epoch[2], "an epoch secret", 32))
        fields(repository[4], "the parameters", {0, 2, 4}, set())
        secret = exact(repository[0], "a repository secret", 32)
        edition.repositories.append((exact(repository[6], "a repository id", 8), secret, epochs))
    for family in array(top[6], "the families", 0, 64):
        for slot in array(fields(family, "a family", {0, 2}, set())[2], "the slots", 1, 16):
            fields(slot, "a slot", {0, 2, 4, 6}, {1, 3})
    for former in array(top[8], "the former editions", 0, 63):
        array(former, "a former edition", 2, 2)
    return edition


def block_name_fits(block: bytes, name: str) -> bool:
    context = "keepmum v0 key block name"
    return any(base32(blake3(bytes([i]) + block, derive_key_context=context).digest(56)) == name for i in range(3))


def open_key_blocks(files: list[tuple[str, str]], typed: str) -> dict[bytes, Epochs]:
    """Tries the candidates (path, name) of §3; answers the repositories of all that opens, by their secret."""
    blocks: list[KeyBlock] = []
    for path, name in files:
        with open(path, "rb") as file:
            data = file.read(BLOCK_LENGTHS[-1] + 1)
        if len(data) in BLOCK_LENGTHS:
            blocks.append(KeyBlock(data, block_name_fits(data, name)))
    if not blocks:
        raise NoRepository("there is no keepmum repository here: no key block was found")
    random.shuffle(blocks)  # nobody who adds files can choose the order
    blocks.sort(key=lambda block: not block.whole)
    removed = False
    for dear, kek_of in slot_keys(typed):
        editions, later = open_editions(blocks, kek_of, dear)
        opened = [id(block) for edition in editions for block in edition.blocks]
        tips = []
        for edition in editions:
            others = [block for other in editions if other.key != edition.key for block in other.blocks]
            others += [block for block in blocks if block.whole and id(block) not in opened]
            if not any(block.follows(edition.mark_key()) for block in others):
                tips.append(edition)
        if later and (not tips or any(block.follows(tip.mark_key()) for block in later for tip in tips)):
            raise LaterVersion("the key block was made by a later version of keepmum")
        if tips:
            return unite(editions)
        removed = removed or bool(editions)
    if removed:
        raise NoRepository("this password was removed from the repository")
    raise NoRepository("no key block opens: the password is wrong, or all key blocks are damaged")


def open_editions(blocks: list[KeyBlock], kek_of: Callable[[bytes], bytes], dear: bool) -> tuple[list[Edition], list[KeyBlock]]:
    """What opens, and the blocks that open and that a later version made."""
    editions: dict[tuple[bytes, bytes], Edition] = {}
    keks: dict[bytes, bytes] = {}
    later: list[KeyBlock] = []
    closed: list[KeyBlock] = []
    left = TRIED_OPEN

    def adopt(block: KeyBlock, key: bytes) -> bool:
        plain = unseal(key, b"keepmum v0 keyring", block.data[1984:])
        if plain is None:
            return False
        try:
            edition = editions.get((key, plain)) or parse_keyring(plain, key)
        except Damaged:
            return False
        except Refused:
            later.append(block)
            return True
        editions.setdefault((key, plain), edition).blocks.append(block)
        return True

    for block in blocks:
        keys: list[bytes] = []
        if block.salt in keks or left > 0 or not dear:
            kek = keks.get(block.salt) or kek_of(block.salt)
            keys = block.open_slots(kek)
            left -= block.salt not in keks and bool(editions) and not keys
            keks[block.salt] = kek
        if not any(adopt(block, key) for key in keys):
            closed.append(block)
    for block in closed:  # it may be of a family that this does not open
        any(adopt(block, key) for key in {edition.key for edition in editions.values()})
    return list(editions.values()), later


def unite(editions: list[Edition]) -> dict[bytes, Epochs]:
    united: dict[bytes, Epochs] = {}
    for edition in editions:
        for _, secret, epochs in edition.repositories:
            known = united.setdefault(secret, {})
            for number, secrets in epochs.items():
                known[number] = sorted({*known.get(number, []), *secrets})
    return united


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
    original: bool = False  # whether the first of the files has the object's own name
    epochs: Epochs = field(default_factory=dict)  # of the repository that it belongs to

    def __str__(self) -> str:
        return f"object {self.number} of run {self.run} of device {self.device.hex()}"

    @property
    def context(self) -> bytes:
        return (b"keepmum v0 object" + self.epoch.to_bytes(2, "big") + bytes([self.kind]) + self.device
                + self.run.to_bytes(4, "big") + self.number.to_bytes(4, "big"))

    def understood(self) -> bool:
        """Whether this version can open it, as far as its name says (§4.2)."""
        known = self.kind in (DATA_OBJECT, META_OBJECT, RECORD_OBJECT)
        return known and self.epoch > 0 and self.run > 0 and self.length <= MAX_OBJECT

    def here(self) -> bool:
        return any(size == self.length for _, size in self.files)

    def read(self) -> bytes:
        """The plaintext; the original is tried first, then the conflict copies."""
        epochs = self.epochs
        if self.files and not self.understood():
            raise Refused(f"the name of {self} says what this reader does not know")
        if not self.here():
            raise Pending(f"{self} is not here" if not self.files else f"{self} is not here in full")
        if self.epoch not in epochs:
            raise Pending(f"{self} is of epoch {self.epoch}, which the key blocks that are here do not hold")
        keys, unread, allocated = [hkdf(SALT, secret, b"object", 32) for secret in epochs[self.epoch]], "", False
        for path, _ in (pair for pair in self.files if pair[1] == self.length):
            try:
                with open(path, "rb") as file:
                    sealed = file.read(self.length + 1)
            except OSError as error:
                unread = str(error)
                continue
            allocated = allocated or not any(sealed[:56])
            if blake3(sealed).digest(16) == self.hash:
                for key in keys:
                    if (plain := unseal(key, self.context, sealed)) is not None:
                        return plain
        if unread:
            raise Pending(f"{self} cannot be read now ({unread})")
        if allocated or not any(size == self.length for _, size in self.files[:self.original]):
            raise Arriving(f"{self} has not arrived in full")
        raise Damaged(f"{self} does not open ({len(self.files)} files tried)")


def parse_name(siv: AESSIV, data: bytes) -> Stored | None:
    """What a name says, whether or not it is understood; None if it is another key's (§4.2)."""
    try:
        plain = siv.decrypt(data, None)
    except InvalidTag:
        return None
    epoch, kind, run, number, length = (int.from_bytes(plain[a:b], "big") for a, b
                                        in ((0, 2), (2, 3), (11, 15), (15, 19), (19, 24)))
    return Stored(plain[3:11], run, number, kind, length, plain[24:40], epoch)


@dataclass(eq=False)
class Block:
    stored: Stored
    kind: int
    codec: int
    start: int
    stored_length: int
    plain_length: int
    reach: int
    bases: list[bytes]

    def expand(self, plaintext: bytes, prefix: bytes) -> bytes:
        data = plaintext[self.start:self.start + self.stored_length]
        if self.codec > 0:
            raw = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if prefix else None
            try:
                need(zstandard.frame_content_size(data) == self.plain_length, f"a block of {self.stored} is no frame")
                data = zstandard.ZstdDecompressor(dict_data=raw).decompress(data, allow_extra_data=False)
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
    items: list[tuple[int, Any]] = field(default_factory=list)  # type and body; Refused where it is not understood

    @property
    def device(self) -> bytes:
        return self.map[0]

    @property
    def run(self) -> int:
        return self.map[2]


@dataclass(eq=False)
class Snapshot:
    repository: "Repository"
    record: Record
    body: dict[int, Any]
    id: str
    needs: list[tuple[bytes, int, int]]
    source: str
    whole: bool | None = None  # whether it is complete, once that was looked at

    def wants(self, device: bytes, run: int) -> bool:
        return any(device == d and first <= run <= last for d, first, last in self.needs)


class Repository:
    """All repositories of a keyring as one: objects by identity, pieces by kind and id, records. A device may
    have written to one and, since they were united, to another, and its trees refer to pieces of both."""

    def __init__(self, repositories: dict[bytes, Epochs]) -> None:
        self.keys = [(AESSIV(hkdf(SALT, secret, b"name", 64)), epochs) for secret, epochs in repositories.items()]
        self.id_keys = [hkdf(SALT, secret, b"chunk id", 32) for secret in repositories]
        self.objects: dict[tuple[Any, ...], Stored] = {}
        self.places: dict[tuple[int, bytes], list[tuple[Block, int, int]]] = {}
        self.indexed: set[Stored] = set()
        self.records: list[Record] = []
        self.strange: list[tuple[bytes, int, bytes]] = []  # records that are not understood: device, run, hash
        self.ended: int | None = None
        self.unknown: set[Stored] = set()  # objects that are not understood, or not in all that they hold
        self.troubles: list[tuple[str, Problem]] = []
        self.opened, self.blocks = Cache(512 * MIB), Cache(64 * MIB)
        self.standing: dict[Block, bool] = {}  # deltas: whether all that they stand on has a place
        self.incomplete = False  # whether the snapshot that is read lacks objects: decides pending or damaged

    def adopt(self, file: FileName) -> bool:
        for siv, epochs in self.keys:
            stored = parse_name(siv, file.data)
            if stored is not None:
                known = self.named(stored.device, stored.run, stored.number, stored.kind, stored.length, stored.hash)
                known.epoch, known.epochs = stored.epoch, epochs
                known.files.insert(0 if file.original else len(known.files), (file.path, file.size if file.readable else -1))
                known.original = known.original or file.original
                return True
        return False

    def named(self, *identity: Any) -> Stored:
        return self.objects.setdefault(identity, Stored(*identity))

    def load(self) -> None:
        """Reads all meta and record objects: tables, indexes, records (§10)."""
        for stored in list(self.objects.values()):
            if stored.kind in (META_OBJECT, RECORD_OBJECT):
                try:
                    self.read_pieces(stored)
                except Arriving:
                    stored.files.clear()  # as if it were shorter
                except Problem as problem:
                    self.trouble(stored, problem)
            elif not stored.understood():
                self.trouble(stored, Refused(f"the name of {stored} says what this reader does not know"))
        for stored in [stored for record in self.records for stored in record.lists.values()]:
            if stored.kind == DATA_OBJECT and stored.here() and stored not in self.indexed:
                self.indexed.add(stored)
                self.guarded(stored, lambda: self.read_table(stored))
        self.check_chains()

    def trouble(self, stored: Stored, problem: Problem, part: str = "") -> None:
        """Something is wrong with an object; what is not understood is no damage."""
        if isinstance(problem, Refused):
            self.unknown.add(stored)
        self.troubles.append((f"{part}{stored}", problem))

    def hidden(self) -> set[Stored]:
        """Objects that may hold a record, and with it a snapshot, that is not understood."""
        listed = {stored for record in self.records for stored in record.lists.values()}
        seen = {snapshot.record.stored for snapshot in self.found}
        return {stored for stored in self.unknown - seen
                if stored.kind == RECORD_OBJECT or stored.kind > RECORD_OBJECT and stored not in listed or not stored.kind}

    def lost(self) -> set[Stored]:
        """Record objects that are here and give no record."""
        read = {record.stored for record in self.records} | self.unknown
        runs = {(record.device, record.run) for record in self.records}  # copied by later runs
        here = {stored for stored in self.objects.values() if stored.kind == RECORD_OBJECT and stored.here()}
        return {stored for stored in here - read if (stored.device, stored.run) not in runs}

    def guarded(self, stored: Stored, action: Callable[[], object]) -> None:
        try:
            action()
        except Problem as problem:
            self.trouble(stored, problem)

    def read_pieces(self, stored: Stored) -> None:
        ends, self.ended = False, None
        for kind, piece_id in self.read_table(stored):
            if kind == INDEX:
                self.guarded(stored, lambda: self.read_index(self.piece(kind, piece_id)))
            elif kind == RECORD:
                self.guarded(stored, lambda: self.read_record(stored, self.piece(kind, piece_id)))
                ends = ends or self.ended == stored.run
        need(ends or stored in self.unknown or stored.kind != RECORD_OBJECT, f"{stored} holds no record of its run")

    def plaintext(self, stored: Stored) -> bytes:
        return self.opened.get(stored, stored.read)

    def read_table(self, stored: Stored) -> list[tuple[int, bytes]]:
        plain = self.plaintext(stored)
        need(len(plain) >= 8, f"{stored} has no footer")
        if plain[-8:-4] != bytes(4):
            raise Refused(f"{stored} is of version {int.from_bytes(plain[-8:-4], 'little')}")
        length, room = int.from_bytes(plain[-4:], "little"), len(plain) - 8
        need(length <= min(MAX_BLOCK, room), f"the table of {stored} does not fit")
        return self.add_table(stored, decode(plain[room - length:room], f"the table of {stored}"), room - length)

    def add_table(self, stored: Stored, table: Any, room: int) -> list[tuple[int, bytes]]:
        """Gives every piece of an object its place, if all of the table is good; returns kind and id of each."""
        found: list[tuple[tuple[int, bytes], tuple[Block, int, int]]] = []
        start, what = 0, f"the table of {stored}"
        for item in array(table, what):
            array(item, what, 6)
            if len(item) > 7 or uint(item[0], what) > RECORD or uint(item[1], what) > DELTA or len(item) > 6 + (item[1] == DELTA):
                raise Refused(f"{what} has a block of a kind, codec or element that is not known")
            kind, codec, length, plain = (uint(n, what) for n in item[:4])
            need(len(item) == 6 + (codec == DELTA), f"{what} has a delta that says not on what")
            reach, bases = 1, b""
            if codec == DELTA:
                on = array(item[6], what, 2, 2)
                reach, bases = uint(on[0], what, MAX_REACH), blob(on[1], what, MAX_BLOCK)
                need(kind <= LIST and 32 <= len(bases) < 32 * reach and len(bases) % 32 == 0, f"{what} has a wrong delta")
            ids, lengths = blob(item[4], what, MAX_BLOCK), array(item[5], what)
            need(start + length <= room and len(ids) == 32 * len(lengths), f"{what} does not fit its blocks")
            need(max(plain, length) <= MAX_BLOCK and (codec > 0 or plain == length), f"{what} has a block of a wrong length")
            block = Block(stored, kind, codec, start, length, plain, reach,
                          [bases[n:n + 32] for n in range(0, len(bases), 32)])
            offset = 0
            for n, piece_length in enumerate(lengths):
                found.append(((kind, ids[32 * n:32 * n + 32]), (block, offset, uint(piece_length, what, MAX_BLOCK))))
                offset += piece_length
            need(offset == plain, f"{what} has pieces that do not fill their block")
            start += length
        for key, place in found:
            self.places.setdefault(key, []).append(place)
        self.standing.clear()
        self.indexed.add(stored)
        return [key for key, _ in found]

    def read_index(self, piece: bytes) -> None:
        for item in array(decode(piece, "an index"), "an index"):
            device, run, number, length, digest, table = row(item, "an item of an index", 6)
            stored = self.named(exact(device, "a device", 8), run_number(run), uint(number, "a number", 2**32 - 1), DATA_OBJECT,
                                 uint(length, "a length", MAX_OBJECT), exact(digest, "a hash", 16))
            if stored not in self.indexed:
                self.add_table(stored, table, stored.length)

    def read_record(self, stored: Stored, piece: bytes) -> None:
        value = decode(piece, "a record")
        try:
            record = Record(stored, blake3(piece).digest(), fields(value, "a record", {0, 2, 6, 8, 10, 12}, {1, 4}))
        except Refused:
            if value.get(0) == stored.device and type(value.get(2)) is int and 1 <= value[2] <= stored.run:
                self.strange.append((stored.device, value[2], blake3(piece).digest()))  # a link all the same (§7.1)
            raise
        need(record.map[0] == stored.device and run_number(record.map[2]) <= stored.run, "a record is of another device or a later run than its object")
        self.ended = record.run
        for part in array(record.map[10], "the objects"):
            run, listed = row(part, "the objects of a run", 2)
            for item in array(listed, "the objects of a run"):
                number, kind, length, digest = row(item, "a listed object", 4)
                known = self.named(stored.device, run_number(run, record.run), uint(number, "a number", 2**32 - 1),
                                    uint(kind, "a kind", 255), uint(length, "a length", MAX_NAMED), exact(digest, "a hash", 16))
                record.lists[known.run, known.number, known.hash] = known
        list(self.links(record))
        read_moment(record.map[8])
        text(record.map.get(1, ""), "the program of a record")
        record.items = [read_item(item) for item in array(record.map[12], "the items", 0, MAX_ITEMS)]
        need([kind for kind, _ in record.items].count(3) <= 1, "a record has two backups")
        # It may have been stored again, or copied by a later run: the latest counts.
        for at, known in enumerate(self.records):
            if known.hash == record.hash:
                if stored.run > known.stored.run:
                    self.records[at] = record
                return
        self.records.append(record)

    def links(self, record: Record) -> Iterator[tuple[bytes, int, bytes]]:
        """Every record that this one names as device, run, hash (§7.1, keys 4 and 6)."""
        if 4 in record.map:
            run, digest = row(record.map[4], "the link to a record", 2)
            need(run_number(run) < record.run, "a record follows a later one")
            yield record.device, run, exact(digest, "a hash", 32)
        for link in array(record.map[6], "the records seen"):
            yield read_link(link)

    def check_chains(self) -> None:
        """The records that are missing: those that another names, and those whose run a snapshot needs (§7.4)."""
        self.heed()
        known = {(record.device, record.run, record.hash) for record in self.records} | set(self.strange)
        named = {link for record in self.records for link in self.links(record)}
        self.absent = [(device, run) for device, run, digest in named - known]
        self.found = list(self.snapshots())
        runs = {(device, run) for device, run, _ in known} | set(self.absent)
        needed = {(device, last) for snapshot in self.found for device, _, last in snapshot.needs}
        self.absent += needed - runs

    def heeded(self) -> list[Record]:
        """The records that count: those that are understood, with all that they name (protocol, R1)."""
        first: dict[bytes, int] = {}
        for stored in self.unknown:
            first[stored.device] = min(stored.run, first.get(stored.device, stored.run))
        heeded = {(r.device, r.run, r.hash): r for r in self.records if r.run < first.get(r.device, r.run + 1)
                  and not any(isinstance(body, Refused) and kind < 128 for kind, body in r.items)}
        while True:
            gone = [at for at, record in heeded.items() if any(link not in heeded for link in self.links(record))]
            if not gone:
                return list(heeded.values())
            for at in gone:
                del heeded[at]

    def heed(self) -> None:
        """What the heeded records say: which snapshots are forgotten, which objects were swept (§7.5, §7.6)."""
        records = self.heeded()
        undone, intents = set(), dict[tuple[bytes, int, bytes], set[Any]]()
        for record in records:
            for kind, body in record.items:
                if kind == UNDO and body[2] == FORGET:
                    undone |= {(snapshot, link) for snapshot in body[0] for link in body[4]}
                elif kind == INTENT:
                    intents.setdefault((record.device, record.run, record.hash), set()).update(body[0])
        self.forgotten = {snapshot for record in records for kind, body in record.items if kind == FORGET
                          for snapshot in body[0] if (snapshot, (record.device, record.run, record.hash)) not in undone}
        self.swept, ends = set[Any](), dict[Any, list[tuple[Record, set[Any]]]]()
        for record in records:
            for kind, body in record.items:
                if kind == SWEEP:
                    ends.setdefault((record.device, *body[0]), []).append((record, body[2]))
        links = {(record.device, record.run, record.hash): record for record in records}
        for intent, sweeps in ends.items():
            for record, kept in sweeps:  # the first of each branch counts
                before, others = record, [other for other, _ in sweeps if other is not record]
                while others and before not in others and 4 in before.map:
                    before = links[record.device, *row(before.map[4], "the link to a record", 2)]
                if before not in others:
                    self.swept |= intents.get(intent, set()) - kept
        for stored in self.objects.values():
            if self.was_swept(stored):
                stored.files.clear()
        self.records = [record for record in self.records if not self.was_swept(record.stored)]

    def was_swept(self, stored: Stored) -> bool:
        return (stored.device, stored.run, stored.number, stored.hash) in self.swept

    def lacks_first(self, record: Record) -> bool:
        """Whether a record is here only in a copy, and the object that held it first was not swept (§7.4)."""
        if record.stored.run == record.run and record.stored.number < 2**31:
            return False
        least = max((number + 1 for run, number, _ in record.lists if run == record.run), default=0)
        of_run = [(s.run, s.device, s.number) for s in self.objects.values() if s.kind == RECORD_OBJECT and s.here()]
        of_run += [(run, device, number) for device, run, number, _ in self.swept]
        return not any((run, device) == (record.run, record.device) and least <= number < 2**31
                       for run, device, number in of_run)

    def piece(self, kind: int, piece_id: Any) -> bytes:
        """The verified bytes of a piece, from any of the places that hold it."""
        exact(piece_id, "an id", 32)
        self.attempts = 64
        return self.piece_within(kind, piece_id, MAX_REACH)[0]

    def piece_within(self, kind: int, piece_id: bytes, most: int) -> tuple[bytes, int]:
        """A piece from a place that reaches no further than that, and how far it does (§4.4)."""
        if (kind, piece_id) not in self.places:
            self.read_unindexed()
        problems: list[Problem] = []
        places = [place for place in self.places.get((kind, piece_id), []) if place[0].reach <= most]
        for block, offset, length in sorted(places, key=lambda place: place[0].reach):
            try:
                data = self.blocks.get(block, lambda: block.expand(self.plaintext(block.stored), self.prefix(block)))
                data = data[offset:offset + length]
                need(any(blake3(data + bytes([kind]), key=key).digest() == piece_id for key in self.id_keys),
                     f"a piece of {block.stored} is not its id's")
                return data, block.reach
            except Problem as problem:
                problems.append(problem)
        if problems:
            raise next((p for p in problems if isinstance(p, Pending)), problems[0])
        if self.unknown:
            raise Refused("an object that this reader does not understand may hold a part of it")
        if self.incomplete:
            raise Pending("an object that is not here holds the place of a part of it")
        raise Damaged("no object holds a part of it")

    def prefix(self, block: Block) -> bytes:
        """The plain bytes of all that a delta stands on. What it reaches falls with each step, so this ends."""
        self.attempts -= 1
        need(self.attempts >= 0, f"too much of what a block of {block.stored} stands on does not open")
        prefix, left = b"", block.reach - 1
        for n, base in enumerate(block.bases):
            data, used = self.piece_within(block.kind, base, left - (len(block.bases) - 1 - n))
            prefix, left = prefix + data, left - used
            need(len(prefix) <= MAX_BLOCK, f"a block of {block.stored} stands on too much")
        return prefix

    def stands(self, block: Block) -> bool:
        """Whether all that a block stands on has a place, so that the block is one."""
        if block not in self.standing:
            bases = [self.nearest(block.kind, base, block.reach) for base in block.bases]
            self.standing[block] = (None not in bases and 1 + sum(base[0] for base in bases if base) <= block.reach
                                    and sum(base[1] for base in bases if base) <= MAX_BLOCK)
        return self.standing[block]

    def nearest(self, kind: int, piece_id: bytes, below: int) -> tuple[int, int] | None:
        """The least reach of the places of a piece, and its length there."""
        found = [(block.reach, length) for block, _, length in self.places.get((kind, piece_id), [])
                 if block.reach < below and block.stored.here() and self.stands(block)]
        return min(found, default=None)

    def read_unindexed(self) -> None:
        """The own tables of data objects that no index covers: their run died too early (§8)."""
        for stored in list(self.objects.values()):
            if stored.kind == DATA_OBJECT and stored not in self.indexed and stored.here():
                self.indexed.add(stored)
                self.guarded(stored, lambda: self.read_table(stored))

    # -- snapshots (§7.4) --

    def snapshots(self) -> Iterator[Snapshot]:
        for record in self.records:
            for kind, body in record.items:
                if isinstance(body, Refused):
                    self.trouble(record.stored, body, "the record of ")
                elif kind == 3 and record.hash[:16] not in self.forgotten:
                    needs = [*body[6], (record.device, 1, record.run)]
                    yield Snapshot(self, record, body, record.hash[:16].hex(), needs, body[4])

    def state(self, snapshot: Snapshot) -> tuple[int, int]:
        """How many objects of the runs that a snapshot needs are here, and how many there are (§7.4): the objects of
        their records, what those list, and one for each record that is missing or not understood."""
        records = [r for r in self.records if snapshot.wants(r.device, r.run)]
        wanted = [stored for record in records for stored in (record.stored, *record.lists.values())
                  if not self.was_swept(stored)]
        absent = sum(snapshot.wants(device, run) for device, run in self.absent)
        absent += sum(snapshot.wants(device, run) for device, run, _ in self.strange)
        absent += sum(self.lacks_first(record) for record in records)
        return sum(stored.here() and stored not in self.unknown for stored in wanted), len(wanted) + absent

    def complete(self, snapshot: Snapshot) -> bool:
        """Whether all of a snapshot is here; what objects held that are missing may be in others, too (§7.4)."""
        here, wanted = self.state(snapshot)
        if snapshot.whole is None:
            snapshot.whole = (here == wanted and not self.swept) or all(not isinstance(item, Problem) and self.placed(item)
                                                   for _, item in self.walk(snapshot))
        return snapshot.whole

    def placed(self, item: "Entry") -> bool:
        """Whether an object that is here holds each chunk of a file and of its attributes; none is read."""
        contents = [value for _, _, value in item.attributes if type(value) is list]
        try:
            for content in contents + ([item.content] if item.kind == FILE else []):
                for _ in self.content(content, lambda piece_id: self.has_place(CHUNK, piece_id)):
                    pass
        except Problem:
            return False
        return True

    def has_place(self, kind: int, piece_id: Any) -> None:
        exact(piece_id, "an id", 32)
        for again in range(2):
            if self.nearest(kind, piece_id, MAX_REACH + 1) is not None:
                return
            if not again:
                self.read_unindexed()
        raise Pending("no object that is here holds a part of it")

    def device_name(self, device: bytes) -> str:
        for record in (r for r in self.records if r.device == device and 4 not in r.map):
            for kind, body in record.items:
                if kind == 1 and not isinstance(body, Refused):
                    return body[0]
        return device.hex()

    # -- trees (§6) --

    def walk(self, snapshot: Snapshot) -> Iterator[tuple[tuple[bytes, ...], "Entry | Problem"]]:
        """All entries of a snapshot, a directory before what is in it, names in ascending order."""
        here, wanted = self.state(snapshot)
        self.incomplete = here < wanted
        stack: list[tuple[tuple[bytes, ...], Iterator[tuple[bytes | None, Entry | Problem]]]]
        stack = [((), iter(self.children(snapshot.body[0])))]
        while stack:
            path, rest = stack[-1]
            found = next(rest, None)
            if found is None:
                stack.pop()
                continue
            name, item = found
            here = path if name is None else path + (name,)
            if sum(map(len, here)) + len(here) - 1 > MAX_PATH:
                yield path, Damaged("a path in it is too long")
                continue
            yield here, item
            if isinstance(item, Entry) and item.kind == DIRECTORY:
                stack.append((here, iter(self.children(item.node))))

    def children(self, node: Any) -> "list[tuple[bytes | None, Entry | Problem]]":
        """The entries of a directory; a problem without a name is the directory's own."""
        problems: list[tuple[bytes | None, Entry | Problem]] = []
        entries: list[tuple[bytes | None, Entry | Problem]] = []
        last = b""
        for item in self.entries(node, None):
            if isinstance(item, Entry) and item.name <= last:
                item = Damaged(f"the name {shown(item.name)} is out of order")
            if isinstance(item, Entry):
                entries.append((item.name, item))
                last = item.name
            else:
                problems.append((None, item))
        return problems + entries

    def entries(self, node: Any, level: int | None) -> Iterator["Entry | Problem"]:
        try:
            data = self.piece(NODE, node)
            found, items = row(decode(data, "a tree node"), "a tree node", 2)
            need(uint(found, "a level", MAX_LEVELS) == level or level is None, "a tree node has the wrong level")
            array(items, "a tree node", 1 if found else 0)
            parts = [read_part(item) for item in items] if found else []
        except Problem as problem:
            yield problem
            return
        for part in parts:
            yield from self.entries(part, found - 1)
        for item in items if found == 0 else []:
            try:
                yield parse_entry(item)
            except Problem as problem:
                yield problem

    def attributes(self, entry: "Entry", path: bytes, report: Report) -> list[tuple[str, bytes, bytes]]:
        """The attributes of an entry with their values; what cannot be had is reported."""
        found = []
        for space, name, value in entry.attributes:
            try:
                if type(value) is list and value[0] > MAX_VALUE:
                    report.code = max(report.code, 3)
                    report.note(f"{shown(path)}: attribute {shown(name)} is larger than this system takes")
                    continue
                if type(value) is list:
                    value = b"".join(bytes(length) if data is None else data for length, data in self.content(value))
                found.append((space, name, value))
            except Problem as problem:
                report.problem(f"{shown(path)}: attribute {shown(name)}", problem)
        return found

    def content(self, content: Any, look: Callable[[Any], None] | None = None) -> Iterator[tuple[int, bytes | None]]:
        """A content as (length, bytes), with None for a hole (§6.3); or only a look at each chunk's id."""
        parts = row(content, "a content", 1, 3)
        size = uint(parts[0], "a size", 2**63 - 1)
        if len(parts) == 3:
            yield from self.items(size, uint(parts[1], "a depth", MAX_LEVELS), array(parts[2], "a content", 1, 8), look)
        elif len(parts) == 2:
            yield from self.items(size, 0, [parts], look)
        else:
            need(size == 0, "a file that is not empty has no content")

    def items(self, size: int, depth: int, items: list[Any],
              look: Callable[[Any], None] | None) -> Iterator[tuple[int, bytes | None]]:
        total = 0
        for item in items:
            item = row(item, "an item of a content", 1, 2)
            length = uint(item[0], "a length", size - total, 1)
            total += length
            if depth:
                need(len(item) == 2, "a list item has no id")
                found, below = row(decode(self.piece(LIST, item[1]), "a list node"), "a list node", 2)
                need(uint(found, "a depth", MAX_LEVELS) == depth - 1, "a list node has the wrong depth")
                yield from self.items(length, found, array(below, "a list node", 1, 64), look)
            elif len(item) == 1:
                yield length, None
            elif look is not None:
                look(item[1])
            else:
                data = self.piece(CHUNK, item[1])
                need(len(data) == length, "a chunk has not the length that its file says")
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
    attributes: list[tuple[str, bytes, Any]]  # a value that does not stand in the entry is a list, a content (§6.3)


def good_name(value: Any) -> bytes:
    name = blob(value, "a name", MAX_NAME, 1)
    need(b"/" not in name and b"\0" not in name and name not in (b".", b".."), f"the name {shown(name)} is not allowed")
    return name


def read_part(value: Any) -> bytes:
    """The id of a part of a split directory (§6.1). It is no entry: a malformed one refuses its node."""
    name, node = row(value, "a part of a directory", 2)
    good_name(name)
    return exact(node, "the id of a part", 32)


VALUE_KEYS = {FILE: 4, DIRECTORY: 6, SYMLINK: 8, CHARACTER: 10, BLOCK: 10}


def parse_entry(value: Any) -> Entry:
    """An entry of §6.2."""
    raw_name = value.get(0, b"?") if type(value) is dict else b"?"
    what = f"the entry {shown(raw_name) if type(raw_name) is bytes else '?'}"
    kind = value.get(2) if type(value) is dict else None
    if type(kind) is int and kind >= len(KINDS):
        raise Refused(f"{what} is of a kind that is not known")
    raw = fields(value, what, {0, 2}, {1, 3, 4, 5, 6, 8, 10, 11, 12, 14, 16, 18, 20})
    kind = uint(raw[2], "a kind")
    if 20 in raw:
        uint(raw[20], f"the name encoding of {what}")
    if kind >= len(KINDS) or 20 in raw:
        raise Refused(f"{what} is of a kind or has a name encoding that is not known")
    wanted = set() if kind == FIFO else {VALUE_KEYS[kind]}
    need(raw.keys() & {4, 6, 8, 10} == wanted, f"{what} lacks the key of its kind or has another's")

    def pair(key: int) -> tuple[int, int]:
        one, two = row(raw[key], what, 2)
        return uint(one, f"a number of {what}", 2**32 - 1), uint(two, f"a number of {what}", 2**32 - 1)

    def time() -> tuple[int, int]:
        seconds, nanoseconds = row(raw[14], what, 2)
        return uint(seconds, f"the time of {what}", 2**63 - 1, -2**63), uint(nanoseconds, f"the time of {what}", 999_999_999)

    attributes = {}  # of one namespace and name the last
    for key in (5, 11):
        for space, name, value in (row(a, what, 3) for a in array(raw.get(key, []), what)):
            value = blob(value, what, MAX_BLOCK) if key == 5 else stored_value(value, f"an attribute of {what}")
            attributes[text(space, what), blob(name, what, MAX_BLOCK)] = value
    return Entry(good_name(raw[0]), kind, raw.get(4), exact(raw[6], what, 32) if 6 in raw else None,
                 blob(raw.get(8, b""), what, MAX_PATH), pair(10) if 10 in raw else (0, 0),
                 uint(raw[12], f"the mode of {what}", 0o7777) if 12 in raw else None, time() if 14 in raw else None,
                 pair(16) if 16 in raw else None,
                 uint(raw[18], f"the link group of {what}") if 18 in raw else None,
                 blob(raw[1], what, MAX_BLOCK) if 1 in raw else None, blob(raw[3], what, MAX_BLOCK) if 3 in raw else None,
                 [(space, name, value) for (space, name), value in sorted(attributes.items(), key=lambda it: it[0])])


def stored_value(value: Any, what: str) -> list[Any]:
    """The content that is the value of an attribute (§6.2), as far as the entry says it."""
    parts = row(value, what, 1, 3)
    size, depth, items = uint(parts[0], what, 2**63 - 1), 0, [parts] if len(parts) == 2 else []
    if len(parts) == 3:
        depth, items = uint(parts[1], what, MAX_LEVELS), array(parts[2], what, 1, 8)
        need(depth == 0 or size > MAX_BLOCK, f"{what} has lists though it is small")
    for item in (row(item, what, 1, 2) for item in items):
        need(uint(item[0], what, least=1) <= MAX_BLOCK or len(item) == 1 or depth > 0, f"{what} has too long a chunk")
        need(len(item) == 1 and depth == 0 or len(exact(item[1], what, 32)) == 32, f"{what} has no id")
    need(sum(item[0] for item in items) == size, f"{what} has another size than its parts")
    return parts


# ---- The destination as a whole (§10) ----

class Destination:
    def __init__(self, folder: str, typed: str, report: Report) -> None:
        files = [FileName.of(path, size, name, os.path.relpath(os.path.dirname(path), folder) if os.path.dirname(path) != folder else "")
                 for path, size, name in regular_files(folder, report)]
        blocks = [(file.path, file.name) for file in files if file.size in BLOCK_LENGTHS and file.readable]
        self.repository = Repository(open_key_blocks(blocks, typed))
        self.foreign = 0
        names = {name for _, name in blocks}
        for file in files:
            if (file.path, file.name) in blocks:
                continue
            if not file.name or not self.repository.adopt(file) and file.readable and file.name not in names:
                self.foreign += 1
        self.repository.load()
        self.snapshots = sorted(self.repository.found, key=lambda s: (moment(s)[0], s.record.run))

    def troubles(self) -> Iterator[tuple[str, Problem]]:
        yield from self.repository.troubles

    def choose(self, wanted: str, report: Report) -> Snapshot:
        """The snapshot with this prefix of its id, or the latest of the one device and source."""
        if wanted != "latest":
            found = [s for s in self.snapshots if wanted and s.id.startswith(wanted.lower())]
            if len(found) != 1:
                raise Problem(f"{len(found)} snapshots have an id that begins with '{shown(wanted)}'")
            return found[0]
        hidden = self.repository.hidden()
        if hidden and not self.snapshots:
            raise Refused("there are records here, and this reader understands none of them")
        if len({(s.record.device, s.source) for s in self.snapshots}) != 1:
            raise Problem("'latest' is not clear: there is no snapshot, or several devices or sources; give an id")
        ordered = sorted(self.snapshots, key=lambda s: s.record.run)
        complete = [s for s in ordered if s.repository.complete(s)]
        if complete and complete[-1] is not ordered[-1]:
            report.note(f"the newest snapshot {ordered[-1].id} is pending; {complete[-1].id} is the latest complete")
        taken = (complete or ordered)[-1]
        later = [stored for stored in hidden
                 if stored.device != taken.record.device or stored.run > taken.record.run]
        if later:
            report.problem(f"device {later[0].device.hex()}", Refused(
                f"a later record is not understood, and with it perhaps a newer snapshot than {taken.id}"))
        if any(stored.device != taken.record.device or stored.run > taken.record.run for stored in self.repository.lost()):
            report.problem(f"device {taken.record.device.hex()}", Pending(
                f"a later record is damaged, and with it perhaps a newer snapshot than {taken.id}"))
        return taken


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
    good = type(value) is list and len(value) >= 3 and all(type(n) is int for n in value)
    return (value[0], value[2]) if good else (0, 0)


def moment_text(snapshot: Snapshot) -> str:
    seconds, minutes = moment(snapshot)
    try:
        return datetime.fromtimestamp(seconds, timezone(timedelta(minutes=minutes))).isoformat(" ")
    except (ValueError, OverflowError, OSError):
        return "unknown time"

