"""A minimal writer of keepmum repositories for the tests of the reader, from doc/format.md. Not for real backups:
it cuts no chunks by content, keeps no state and never reads back what it wrote."""
from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass, field
from typing import Any

import cbor2
import zstandard
from blake3 import blake3
from cryptography.cobblestone import Cobblestone256Encryptor
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
OWNER: dict[int, Any] = {16: [os.getuid(), os.getgid()]}
META = {12: 0o644} | OWNER  # what every entry has
Item = list[Any]


def base32(data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data)
    return "".join(ALPHABET[int(bits[i:i + 5].ljust(5, "0"), 2)] for i in range(0, len(bits), 5))


def cbor(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def hkdf(salt: bytes, key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA512(), length, salt, info).derive(key)


def seal(key: bytes, context: bytes, plain: bytes) -> bytes:
    sealer = Cobblestone256Encryptor(key, context)
    return sealer.update(plain) + sealer.finalize()


def recovery_code(secret: bytes) -> str:
    code = base32(secret) + base32(blake3(b"keepmum recovery code" + secret).digest())[:4]
    return "-".join(code[i:i + 4] for i in range(0, 36, 4)).upper()


def private_key(kek: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(HKDFExpand(SHA512(), 32, b"keepmum v0 slot key").derive(kek))


def public_bytes(key: X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def kek_of_code(code: bytes, salt: bytes) -> bytes:
    return hkdf(b"keepmum v0" + salt, code, b"recovery", 32)


def mark_key(block_key: bytes) -> bytes:
    return HKDFExpand(SHA512(), 16, b"keepmum v0 mark").derive(block_key)


def key_block(block_key: bytes, keyring: bytes, slots: list[tuple[bytes, bytes]], salt: bytes,
              former: list[bytes]) -> bytes:
    """`slots` has slot id and public key of each."""
    length = next(n for n in (4096, 8192, 16384, 32768, 65536) if len(keyring) + 2 <= plain_of(n - 1984))
    ephemeral = X25519PrivateKey.generate()
    public = public_bytes(ephemeral)
    block = bytearray(os.urandom(1984))
    for i, (slot_id, slot_public) in zip(random.sample(range(16), 16), slots):
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(slot_public))
        derived = hkdf(b"keepmum v0", shared, b"keepmum v0 slot" + bytes([i]) + public + slot_public, 76)
        sealed = AESGCM(derived[:32]).encrypt(derived[32:44], block_key + slot_id, None)
        block[64 + 88 * i:152 + 88 * i] = derived[44:] + sealed
    for at, key in zip(range(1472, 1984, 8), [mark_key(block_key)] + former):
        block[at:at + 8] = blake3(key + public, derive_key_context="keepmum v0 key block mark").digest(8)
    plain = (len(keyring).to_bytes(2, "little") + keyring).ljust(plain_of(length - 1984), b"\0")
    sealed = seal(block_key, b"keepmum v0 keyring", plain)
    mask = blake3(sealed[:56], derive_key_context="keepmum v0 key block mask").digest(64)
    block[:64] = bytes(a ^ b for a, b in zip(salt + public, mask))
    return bytes(block) + sealed


def plain_of(sealed: int) -> int:
    return next(n for n in range(sealed) if n + overhead(n) == sealed)


def write_key_blocks(folder: str, repositories: list["Repository"], codes: dict[bytes, bytes], *, generation: int = 1,
                     former: tuple[int, ...] = (), password: str | None = None,
                     extra: dict[int, Any] | None = None) -> list[str]:
    """Writes the three copies and returns their paths. `codes` has the 20 bytes of each recovery code by slot id;
    `former` names the generations that the block follows. Blocks of one first repository have one salt."""
    first = repositories[0].secret
    salt = blake3(b"salt" + first).digest()
    block_key = blake3(b"block key" + first + bytes([generation])).digest()
    slots = [(slot_id, public_bytes(private_key(kek_of_code(code, salt)))) for slot_id, code in codes.items()]
    if password is not None:
        kek = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=262_144).derive(password.encode())
        slots.append((b"password", public_bytes(private_key(kek))))
    keys = [mark_key(blake3(b"block key" + first + bytes([number])).digest()) for number in former]
    keyring = cbor({0: 0, 2: generation, 4: [
        {0: r.secret, 2: [{0: n, 2: s} for n, s in sorted(r.epochs.items(), reverse=True)],
         4: {0: 0, 2: 1 << 16, 4: 0}, 6: r.secret[:8]} for r in repositories],
        6: [{0: salt, 2: [{0: slot_id, 2: public, 4: 1, 6: 1} for slot_id, public in slots]}] if slots else [],
        8: [[number, key] for number, key in zip(former, keys)], 10: 0} | (extra or {}))
    paths = []
    for copy in range(3):
        block = key_block(block_key, keyring, slots, salt, keys)
        hasher = blake3(bytes([copy]) + block, derive_key_context="keepmum v0 key block name")
        paths.append(os.path.join(folder, base32(hasher.digest(56))))
        with open(paths[-1], "wb") as file:
            file.write(block)
    return paths


def overhead(plain: int) -> int:
    return 56 + 16 * (plain // 16384 + 1)


def padding(plain: int) -> int:
    """How many zeros bring a plaintext to a sealed length of §4.3."""
    length = plain + overhead(plain)
    if length < 1 << 20:
        want = (1 << max(12, length.bit_length())) - 1
    else:
        e = int(math.log2(length))
        step = 1 << (e - (int(math.log2(e)) + 1))
        want = -(-length // step) * step
    while (want - 56) % 16400 < 16:
        want += 1
    zeros = want - 56 - 16 * ((want - 56) // 16400 + 1) - plain
    assert zeros >= 0 and plain + zeros + overhead(plain + zeros) == want
    return zeros


@dataclass
class Block:
    kind: int
    pieces: list[bytes]
    codec: int = 1
    on: list[bytes] = field(default_factory=list)  # the plain bytes of its base pieces
    reach: int = 2


@dataclass
class Repository:
    folder: str
    device: bytes = b"device-1"
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    epochs: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    paths: dict[tuple[int, int], str] = field(default_factory=dict)  # (run, number) -> where the object lies
    last: Item | None = None

    def piece_id(self, piece: bytes, kind: int = 0) -> bytes:
        return blake3(piece + bytes([kind]), key=hkdf(b"keepmum v0", self.secret, b"chunk id", 32)).digest()

    def table_and_blocks(self, blocks: list[Block]) -> tuple[Item, bytes]:
        table, body = [], b""
        for block in blocks:
            plain = b"".join(block.pieces)
            prefix = b"".join(block.on)
            raw = zstandard.ZstdCompressionDict(prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if prefix else None
            stored = zstandard.ZstdCompressor(level=3, dict_data=raw).compress(plain) if block.codec else plain
            body += stored
            table.append([block.kind, block.codec, len(stored), len(plain),
                          b"".join(self.piece_id(p, block.kind) for p in block.pieces), [len(p) for p in block.pieces]])
            if block.codec == 2:
                table[-1].append([block.reach, b"".join(self.piece_id(p, block.kind) for p in block.on)])
        return table, body

    def write_object(self, kind: int, run: int, number: int, blocks: list[Block], subfolder: str = "") -> Item:
        """Seals an object; returns its item for a record or an index: [number, kind, length, hash]."""
        table, body = self.table_and_blocks(blocks)
        encoded = cbor(table)
        zeros = padding(len(body) + len(encoded) + 8)
        return self.write_plain(kind, run, number, body + bytes(zeros) + encoded + bytes(4)
                                + len(encoded).to_bytes(4, "little"), subfolder)

    def write_plain(self, kind: int, run: int, number: int, plain: bytes, subfolder: str = "") -> Item:
        epoch = max(self.epochs)
        head = (epoch.to_bytes(2, "big") + bytes([kind]) + self.device + run.to_bytes(4, "big")
                + number.to_bytes(4, "big"))
        sealed = seal(hkdf(b"keepmum v0", self.epochs[epoch], b"object", 32), b"keepmum v0 object" + head, plain)
        digest = blake3(sealed).digest()[:16]
        siv = AESSIV(hkdf(b"keepmum v0", self.secret, b"name", 64))
        name = base32(siv.encrypt(head + len(sealed).to_bytes(5, "big") + digest, None))
        assert len(name) == 90
        os.makedirs(os.path.join(self.folder, subfolder), exist_ok=True)
        self.paths[run, number] = os.path.join(self.folder, subfolder, name)
        with open(self.paths[run, number], "wb") as file:
            file.write(sealed)
        return [number, kind, len(sealed), digest]


def item_split(items: list[Item]) -> list[list[Item]]:
    """Where a list node ends (§6.3)."""
    nodes: list[list[Item]] = [[]]
    for item in items:
        nodes[-1].append(item)
        if len(nodes[-1]) == 64 or (len(nodes[-1]) >= 16 and len(item) == 2 and item[1][-1] < 8):
            nodes.append([])
    return [node for node in nodes if node]


def name_split(items: list[Any], name_of: Any) -> list[list[Any]]:
    """Where a tree node ends (§6.1)."""
    nodes: list[list[Any]] = [[]]
    for item in items:
        count = len(nodes[-1])
        if count == 512 or (count >= 64 and blake3(name_of(item)).digest()[0] < 2):
            nodes.append([])
        nodes[-1].append(item)
    return nodes


class Run:
    """Collects the pieces of one run, then writes them as one record object or as many objects."""

    def __init__(self, repository: Repository, number: int) -> None:
        self.repository, self.number = repository, number
        self.chunks: dict[bytes, bytes] = {}
        self.nodes: dict[bytes, bytes] = {}
        self.lists: dict[bytes, bytes] = {}
        self.earlier: list[Item] = []  # objects of runs that ended without a record: [run, [item, …]]
        self.program: dict[int, Any] = {1: "tests"}

    def keep(self, where: dict[bytes, bytes], piece: bytes) -> bytes:
        kind = 0 if where is self.chunks else 1 if where is self.nodes else 2
        where[(piece_id := self.repository.piece_id(piece, kind))] = piece
        return piece_id

    def content(self, parts: list[bytes | int]) -> Item:
        """A content from chunks (bytes) and holes (their length)."""
        items: list[Item] = [[p] if isinstance(p, int) else [len(p), self.keep(self.chunks, p)] for p in parts]
        size, depth = sum(item[0] for item in items), 0
        if not items:
            return [0]
        if len(items) == 1 and len(items[0]) == 2:
            return items[0]
        while len(items) > 8:
            items = [[sum(item[0] for item in node), self.keep(self.lists, cbor([depth, node]))]
                     for node in item_split(items)]
            depth += 1
        return [size, depth, items]

    def file(self, name: bytes, parts: list[bytes | int], **meta: Any) -> dict[int, Any]:
        return {0: name, 2: 0, 4: self.content(parts)} | META | numbered(meta)

    def directory(self, name: bytes, entries: list[dict[int, Any]], **meta: Any) -> dict[int, Any]:
        return {0: name, 2: 1, 6: self.tree(entries), 12: 0o755} | OWNER | numbered(meta)

    def tree(self, entries: list[dict[int, Any]]) -> bytes:
        """Stores a directory's nodes and returns the id of the top one."""
        parts = name_split(sorted((META | entry for entry in entries), key=lambda e: e[0]), lambda e: e[0])
        links = [[part[0][0] if part else b"", self.keep(self.nodes, cbor([0, part]))] for part in parts]
        level = 1
        while len(links) > 1:
            links = [[part[0][0], self.keep(self.nodes, cbor([level, part]))]
                     for part in name_split(links, lambda link: link[0])]
            level += 1
        return links[0][1]

    def record(self, items: list[Item], listed: list[Item], seen: list[Item]) -> bytes:
        r = self.repository
        lists = self.earlier + ([[self.number, listed]] if listed else [])
        value = {0: r.device, 2: self.number, 6: seen, 8: [1_700_000_000 + self.number, 5, 60], 10: lists,
                 12: items}
        value |= self.program | ({4: r.last} if r.last else {})
        return cbor(value)

    def backup(self, root: bytes, needs: list[Item] | None = None) -> Item:
        body = {0: root, 4: ["docs", [b"/home/docs"]], 6: needs or [], 1: {0: 7, 3: 1000}, 8: 0}
        return [3, body]

    def write(self, items: list[Item], *, large: bool = False, index: bool = True, seen: list[Item] = []) -> bytes:
        """Writes everything; returns the record's hash. A large run has two data objects, a meta, a record."""
        r = self.repository
        first = [] if r.last else [[1, {0: f"host of {r.device.decode()}", 2: bytes(16)}]]
        meta = [Block(1, list(self.nodes.values()))] + ([Block(2, list(self.lists.values()))] if self.lists else [])
        chunks, listed = list(self.chunks.values()), []
        if large:
            half = len(chunks) // 2
            entries = []
            for number, part in enumerate((chunks[:half], chunks[half:])):
                blocks = [Block(0, part[i:i + 20], codec=i // 20 % 2) for i in range(0, len(part), 20)]
                listed.append(self.object(1, number, blocks, "ab/cd"))
                entries.append([r.device, self.number, *listed[-1][:1], *listed[-1][2:], r.table_and_blocks(blocks)[0]])
            meta += [Block(3, [cbor(entries)])] if index else []
            listed.append(self.object(2, 2, meta, "meta"))
            blocks = []
        else:
            blocks = ([Block(0, chunks)] if chunks else []) + meta
        piece = self.record(first + items, listed, seen)
        self.object(3, len(listed), blocks + [Block(4, [piece], codec=0)])
        r.last = [self.number, blake3(piece).digest()]
        return r.last[1]

    def object(self, kind: int, number: int, blocks: list[Block], subfolder: str = "") -> Item:
        return self.repository.write_object(kind, self.number, number, blocks, subfolder)


META_KEYS = {"mode": 12, "mtime": 14, "owner": 16, "link": 18, "user": 1, "group": 3, "attributes": 5}


def numbered(meta: dict[str, Any]) -> dict[int, Any]:
    return {META_KEYS[key]: value for key, value in meta.items()}
