"""Tests of the reader on repositories made by the minimal writer. Run: python -m unittest"""
from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import stat
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import reader
import repository
from tests_writer import META, Block, Repository, Run, cbor, mark_key, private_key, public_bytes, recovery_code
from tests_writer import write_key_blocks

CODE = bytes(range(20))
CODES = {b"slot---1": CODE}


class Base(unittest.TestCase):
    def setUp(self) -> None:
        self.temporary = tempfile.mkdtemp()
        self.addCleanup(self.clean)
        self.folder = os.path.join(self.temporary, "destination")
        os.mkdir(self.folder)
        self.repository = Repository(self.folder)
        self.targets = 0

    def again(self) -> None:
        """An empty repository."""
        for name in os.listdir(self.temporary):
            shutil.rmtree(os.path.join(self.temporary, name))
        os.mkdir(self.folder)
        self.repository = Repository(self.folder)

    def clean(self) -> None:
        for parent, folders, _ in os.walk(self.temporary):
            for name in folders:
                os.chmod(os.path.join(parent, name), 0o700)
        shutil.rmtree(self.temporary)

    def blocks(self, *repositories: Repository, **more: Any) -> list[str]:
        codes = more.pop("codes", CODES)
        return write_key_blocks(self.folder, list(repositories) or [self.repository], codes, **more)

    def call(self, *arguments: str, secret: str = recovery_code(CODE)) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.dict(os.environ, KEEPMUM_PASSWORD=secret), contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(err):
            code = reader.main([arguments[0], self.folder, *arguments[1:]])
        return code, out.getvalue(), err.getvalue()

    def restore(self, snapshot: str = "latest", *more: str) -> tuple[int, str, str]:
        self.targets += 1
        target = os.path.join(self.temporary, f"target-{self.targets}")
        code, _, err = self.call("restore", snapshot, target, *more)
        return code, target, err

    def manifest(self, snapshot: str = "latest") -> tuple[int, dict[str, dict]]:
        code, out, _ = self.call("manifest", snapshot)
        lines = [json.loads(line) for line in out.splitlines()]
        return code, {line.get("path", line.get("path_hex")): line for line in lines}

    def snapshots(self) -> list[list[str]]:
        code, out, err = self.call("list")
        self.assertEqual(code, 0, err)
        return [line.split("\t") for line in out.splitlines()]

    def simple(self, number: int = 1, **more: Any) -> Run:
        """A run whose snapshot holds the file `f`."""
        run = Run(self.repository, number)
        run.write([run.backup(run.tree([run.file(b"f", [b"content %d" % number])]))], **more)
        return run


def change(path: str, action) -> None:
    with open(path, "rb") as file:
        data = bytearray(file.read())
    with open(path, "wb") as file:
        file.write(bytes(action(data)))


def flip(data: bytearray) -> bytearray:
    data[len(data) // 2] ^= 1
    return data


class Deltas(Base):
    """Blocks that stand on other pieces (§4.4)."""

    def versions(self, count: int) -> list[bytes]:
        text = b"".join(b"%d " % (n * n) for n in range(900))
        return [text[:700 * n] + b"version %d" % n + text[700 * n:] for n in range(count)]

    def chain(self, blocks: list[Block], *, kind: int = 1, last: bytes) -> tuple[int, str, str]:
        """A file that is the chunk `last`, which lies in one of these blocks."""
        run = Run(self.repository, 1)
        entry = {0: b"f", 2: 0, 4: [len(last), self.repository.piece_id(last)]}
        root = run.tree([entry])
        listed = [run.object(kind, number, [block]) for number, block in enumerate(blocks)]
        piece = run.record([[1, {0: "host", 2: bytes(16)}], run.backup(root)], listed, [])
        run.object(3, len(listed), [Block(1, list(run.nodes.values())), Block(4, [piece], codec=0)])
        self.blocks()
        return self.restore()

    def expect(self, code: int, blocks: list[Block], last: bytes) -> None:
        ended, target, err = self.chain(blocks, last=last)
        self.assertEqual(ended, code, err)
        if code == 0:
            with open(f"{target}/f", "rb") as file:
                self.assertEqual(file.read(), last)

    def links(self, count: int) -> list[Block]:
        v = self.versions(count)
        return [Block(0, [v[0]])] + [Block(0, [v[n]], 2, [v[n - 1]], n + 1) for n in range(1, count)]

    def test_chain(self) -> None:
        self.expect(0, self.links(9), self.versions(9)[8])

    def test_chain_of_nine(self) -> None:
        self.expect(6, self.links(10), self.versions(10)[9])

    def test_several_bases(self) -> None:
        v = self.versions(5)
        self.expect(0, [Block(0, v[:4]), Block(0, [v[4]], 2, v[:4], 5)], v[4])

    def test_circle(self) -> None:
        v, links = self.versions(3), self.links(3)
        links[0] = Block(0, [v[0]], 2, [v[2]], 9)
        self.expect(6, links, v[2])

    def test_missing_base(self) -> None:
        self.expect(6, self.links(3)[1:], self.versions(3)[2])

    def test_reach_that_is_not_enough(self) -> None:
        links = self.links(4)
        links[3].reach = 3
        self.expect(6, links, self.versions(4)[3])

    def test_base_of_another_kind(self) -> None:
        links = self.links(2)
        links[0].kind = 1
        self.expect(6, links, self.versions(2)[1])

    def test_bases_longer_than_a_block(self) -> None:
        half, v = bytes((2 << 20) + 1), self.versions(1)
        self.expect(6, [Block(0, [half]), Block(0, [v[0]], 2, [half, half], 3)], v[0])

    def test_delta_of_a_record(self) -> None:
        self.simple()
        run, r = Run(self.repository, 2), self.repository
        piece = run.record([run.backup(run.tree([]))], [], [])
        run.object(3, 0, [Block(1, list(run.nodes.values())), Block(4, [piece], 2, [piece])])
        self.blocks()
        self.assertEqual(self.call("list")[0], 6)
        self.assertEqual(len(self.call("list")[1].splitlines()), 1)
        self.assertEqual(r.last[0], 1)

    def test_pending_with_its_base(self) -> None:
        v, r = self.versions(2), self.repository
        code, _, err = self.chain(self.links(2), last=v[1])
        self.assertEqual(code, 0, err)
        os.remove(r.paths[1, 0])
        self.assertIn("pending 2 of 3", self.snapshots_of(3))
        code, _, err = self.restore()
        self.assertEqual(code, 3, err)

    def snapshots_of(self, code: int) -> str:
        ended, out, err = self.call("list")
        self.assertIn(ended, (0, code), err)
        return out


class RoundTrip(Base):
    def everything(self, run: Run) -> bytes:
        text: list[bytes | int] = [b"hello ", b"world", 1 << 20, b"end", 4096]
        many = [os.urandom(10 + i % 7) if i % 9 else 4096 + i for i in range(1, 900)]
        self.many = b"".join(bytes(p) if isinstance(p, int) else p for p in many)
        time = [1_600_000_000, 123_456_789]
        return run.tree([
            run.directory(b"sub", [
                run.file(b"empty", [], mtime=[-5, 999_999_999]),
                run.file(b"one", [b"one chunk"], mode=0o400, mtime=time),
                run.file(b"second name", [b"linked"], link=3, mtime=time),
                run.directory(b"none", [], mode=0o700, mtime=time),
            ], mode=0o555, mtime=time),
            run.file(b"holes", text, attributes=[["xattr", b"user.colour", b"blue\0"], ["other", b"x", b"y"]]),
            run.file(b"many", many, mode=0o600),
            run.file(b"linked", [b"linked"], link=3, mtime=time),
            run.file(b"\xff not utf-8", [b"x"], user=b"me", group=b"us", owner=[os.getuid(), os.getgid()]),
            {0: b"link", 2: 2, 8: b"/etc/../nowhere", 14: time},
            {0: b"fifo", 2: 3, 12: 0o640, 14: time},
            {0: b"null", 2: 4, 10: [1, 3], 12: 0o666},
            run.directory(b"big", [run.file(b"%04d" % i, [b"%d" % i]) for i in range(1300)]),
        ])

    def check_everything(self) -> None:
        code, target, err = self.restore()
        self.assertEqual(code, 3, err)  # for the attribute of another namespace
        status = os.lstat(f"{target}/holes")
        with open(f"{target}/holes", "rb") as file:
            self.assertEqual(file.read(), b"hello world" + bytes(1 << 20) + b"end" + bytes(4096))
        self.assertLess(status.st_blocks * 512, status.st_size // 2)
        with open(f"{target}/many", "rb") as file:
            self.assertEqual(file.read(), self.many)
        self.assertEqual(stat.S_IMODE(os.lstat(f"{target}/sub").st_mode), 0o555)
        self.assertEqual(os.lstat(f"{target}/sub").st_mtime_ns, 1_600_000_000_123_456_789)
        self.assertEqual(os.lstat(f"{target}/sub/empty").st_mtime_ns, -5 * 10**9 + 999_999_999)
        self.assertEqual(stat.S_IMODE(os.lstat(f"{target}/sub/one").st_mode), 0o400)
        self.assertEqual(os.lstat(f"{target}/linked").st_ino, os.lstat(f"{target}/sub/second name").st_ino)
        self.assertEqual(os.readlink(f"{target}/link"), "/etc/../nowhere")
        self.assertEqual(os.lstat(f"{target}/link").st_mtime_ns, 1_600_000_000_123_456_789)
        self.assertTrue(stat.S_ISFIFO(os.lstat(f"{target}/fifo").st_mode))
        self.assertEqual(stat.S_IMODE(os.lstat(f"{target}/fifo").st_mode), 0o640)
        self.assertFalse(os.path.lexists(f"{target}/null"))
        self.assertIn("null: devices", err)
        self.assertEqual(len(os.listdir(f"{target}/big")), 1300)
        self.assertTrue(os.path.exists(os.fsencode(target) + b"/\xff not utf-8"))
        if "user.colour" not in err:
            self.assertEqual(os.getxattr(f"{target}/holes", "user.colour"), b"blue\0")
        code, lines = self.manifest()
        self.assertEqual(code, 0)
        self.assertEqual(lines["many"]["sha256"], hashlib.sha256(self.many).hexdigest())
        self.assertEqual(lines["holes"]["holes"], [[11, 1 << 20], [14 + (1 << 20), 4096]])
        self.assertEqual(lines["sub/second name"]["hard_link_of"], "linked")
        self.assertEqual(lines["ff206e6f74207574662d38"]["user"], "me")
        self.assertEqual(list(lines)[-6:-1], ["sub", "sub/empty", "sub/none", "sub/one", "sub/second name"])

    def test_small_run(self) -> None:
        run = Run(self.repository, 1)
        run.write([run.backup(self.everything(run))])
        self.blocks()
        self.check_everything()
        self.assertEqual(self.snapshots()[0][1:], ["2023-11-14 23:13:21+01:00", "host of device-1", "docs", "7 files",
                                                   "complete"])

    def test_large_run(self) -> None:
        run = Run(self.repository, 1)
        run.write([run.backup(self.everything(run))], large=True)
        self.blocks()
        self.check_everything()
        self.assertEqual(len(self.call("ls", "latest")[1].splitlines()), 1313)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_devices_and_owners(self) -> None:
        run = Run(self.repository, 1)
        run.write([run.backup(run.tree([{0: b"null", 2: 4, 10: [1, 3], 12: 0o620, 16: [12, 34]},
                                        run.file(b"suid", [b"x"], mode=0o4755, owner=[1234, 5678])]))])
        self.blocks()
        code, target, err = self.restore("latest", "--special")
        self.assertEqual((code, err), (0, ""))
        status, suid = os.lstat(f"{target}/null"), os.lstat(f"{target}/suid")
        self.assertEqual((stat.S_ISCHR(status.st_mode), status.st_rdev), (True, os.makedev(1, 3)))
        self.assertEqual((status.st_uid, status.st_gid, status.st_mode & 0o777), (12, 34, 0o620))
        self.assertEqual((suid.st_uid, suid.st_gid, suid.st_mode & 0o7777), (1234, 5678, 0o4755))

    def test_several_of_all(self) -> None:
        """Two devices, two epochs, two repositories in one keyring, a source's choice of 'latest'."""
        self.simple()
        self.repository.epochs[2] = os.urandom(32)
        self.simple(2)
        other = Repository(self.folder, b"device-2", self.repository.secret, self.repository.epochs)
        run = Run(other, 1)
        run.write([run.backup(run.tree([run.file(b"f", [b"of two"])]))], seen=[[b"device-1", *(self.repository.last or [])]])
        foreign = Repository(self.folder, b"device-3")
        run = Run(foreign, 7)
        run.write([run.backup(run.tree([run.file(b"f", [b"of three"])]))])
        self.blocks(self.repository, foreign)
        rows = self.snapshots()
        self.assertEqual(sorted(row[2][-1] for row in rows), ["1", "1", "2", "3"])
        for row in rows:
            self.assertEqual(self.restore(row[0])[0], 0)
        self.assertEqual(self.restore()[0], 1)
        self.assertEqual(self.restore("")[0], 1)

    def test_run_without_record_is_taken_over(self) -> None:
        lost = Run(self.repository, 1)
        lost.content([b"from a run that died"])
        listed = lost.object(1, 0, [Block(0, list(lost.chunks.values()))])
        run = Run(self.repository, 2)
        run.earlier = [[1, [listed]]]
        root = run.tree([run.file(b"f", [b"from a run that died"])])
        run.chunks.clear()
        run.write([run.backup(root)])
        self.blocks()
        self.assertEqual(self.snapshots()[0][-1], "complete")
        self.assertEqual(self.manifest()[0], 0)
        os.unlink(self.repository.paths[1, 0])
        self.assertEqual(self.snapshots()[0][-1], "pending 1 of 2")
        code, lines = self.manifest()
        self.assertEqual((code, lines["f"]["error"]), (3, "pending"))


class Keys(Base):
    def test_password(self) -> None:
        self.simple()
        paths = self.blocks(password="na\u00efve")
        self.assertEqual(self.call("list", secret="nai\u0308ve")[0], 0)
        self.assertEqual(self.call("list", secret=recovery_code(CODE).lower().replace("-", " "))[0], 0)
        os.unlink(paths[1])
        os.unlink(paths[2])
        self.assertEqual(self.call("list", secret="naive")[0], 2)

    def test_no_repository(self) -> None:
        self.assertEqual(self.call("list")[0], 2)
        self.folder += "-not-there"
        self.assertEqual(self.call("list")[0], 2)

    def test_damaged_copies(self) -> None:
        self.simple()
        paths = self.blocks()
        change(paths[0], lambda data: data[:3000] + bytes(1096))
        os.unlink(paths[1])
        os.rename(paths[2], paths[2] + " (conflicted copy)")
        self.assertEqual(self.restore()[0], 0)
        os.unlink(paths[2] + " (conflicted copy)")
        self.assertEqual(self.restore()[0], 2)

    def test_generations(self) -> None:
        """A block that a later one follows opens nothing by itself, whether the later one opens or not."""
        self.simple()
        old = dict(self.repository.epochs)
        self.repository.epochs[2] = os.urandom(32)
        self.simple(2)
        self.blocks(generation=2, former=(1,))
        self.repository.epochs = old
        self.blocks(generation=1)
        self.assertEqual(self.manifest()[0], 0)
        self.repository.epochs = {1: old[1]}
        self.blocks(generation=3, former=(2, 1), codes={b"slot---2": os.urandom(20)})
        self.assertEqual(self.call("list")[0], 2)

    def test_a_later_version(self) -> None:
        """It is never called a wrong password, whatever else it says."""
        self.simple()
        self.blocks(generation=1)
        for extra in ({0: 1}, {14: 0}, {12: 2}):
            self.blocks(generation=2, former=(1,), extra=extra)
            code, _, err = self.call("list")
            self.assertEqual(code, 3, err)
            self.assertIn("later version", err)
            for path in self.key_blocks():
                os.remove(path)
            self.blocks(generation=1)
        self.blocks(generation=2, former=(1,), extra={13: b"optional", 999: [1]})
        self.assertEqual(self.call("list")[0], 0)

    def key_blocks(self) -> list[str]:
        paths = [os.path.join(self.folder, name) for name in os.listdir(self.folder)]
        return [path for path in paths if os.path.isfile(path) and os.path.getsize(path) == 4096]

    def test_large_keyrings(self) -> None:
        self.repository.epochs |= {n: os.urandom(32) for n in range(2, 400)}
        self.simple()
        paths = self.blocks()
        self.assertEqual({os.path.getsize(path) for path in paths}, {32_768})
        self.assertEqual(self.call("list")[0], 0)

    def test_vectors(self) -> None:
        """Keys, slots and a key block of the program."""
        vectors = Path(__file__).resolve().parent.parent / "crates/keepmum/tests/vectors/keys.json"
        found: dict[str, list[bytes]] = {}
        for line in json.loads(vectors.read_text()):
            found.setdefault(line["name"], []).append(bytes.fromhex(line["bytes"]))

        def count(start: int, length: int) -> bytes:
            return bytes(range(start, start + length))
        secret, salt = count(0, 32), count(0x20, 32)
        self.assertEqual(found["chunker key"], [repository.hkdf(b"keepmum v0", secret, b"chunker", 32)])
        self.assertEqual(found["object key"], [repository.hkdf(b"keepmum v0", salt, b"object", 32)])
        of_pieces = repository.hkdf(b"keepmum v0", secret, b"chunk id", 32)
        self.assertEqual(found["piece id"], [repository.blake3(b"a chunk" + kind, key=of_pieces).digest() for kind in (b"\0", b"\1")])
        siv = repository.AESSIV(repository.hkdf(b"keepmum v0", secret, b"name", 64))
        self.assertEqual(found["sealed name"], [siv.encrypt(count(0, 40), None)])
        slow = [kek_of(salt) for _, kek_of in repository.slot_keys("Z\N{LATIN SMALL LETTER U WITH DIAERESIS}rich")]
        (_, code), _ = repository.slot_keys(recovery_code(CODE))
        self.assertEqual(found["kek"], [slow[0], code(salt)])
        slot, ephemeral = private_key(code(salt)), private_key(count(0x60, 32))
        self.assertEqual(found["public key"], [public_bytes(slot), public_bytes(ephemeral)])
        shared = ephemeral.exchange(slot.public_key())
        info = b"keepmum v0 slot\3" + public_bytes(ephemeral) + public_bytes(slot)
        derived = repository.hkdf(b"keepmum v0", shared, info, 76)
        sealed = repository.AESGCM(derived[:32]).encrypt(derived[32:44], count(0, 40), None)
        self.assertEqual(found["slot"], [derived[44:] + sealed])
        context = "keepmum v0 key block mask"
        self.assertEqual(found["mask"], [repository.blake3(count(0, 56), derive_key_context=context).digest(64)])
        self.assertEqual(found["mark key"], [mark_key(count(0x40, 32))])
        context = "keepmum v0 key block mark"
        mark = repository.blake3(mark_key(count(0x40, 32)) + count(0x80, 32), derive_key_context=context).digest(8)
        self.assertEqual(found["mark"], [mark])
        block = repository.KeyBlock(found["key block"][0], True)
        self.assertEqual(block.salt, salt)
        self.assertEqual(block.open_slots(code(salt)), [count(0x40, 32)])
        self.assertTrue(block.follows(b"\xaa" * 16) and not block.follows(mark_key(count(0x40, 32))))
        editions, later = repository.open_editions([block], code, False)
        self.assertEqual((len(editions), later, editions[0].generation), (1, [], 2))
        self.assertEqual(list(editions[0].repositories[0][2]), [2, 1])

    def test_vectors_of_the_format(self) -> None:
        """Names, tables, entries, nodes, lists, records and indexes of the program."""
        vectors = Path(__file__).resolve().parent.parent / "crates/keepmum/tests/vectors/format.json"
        found: dict[str, bytes] = {}
        for line in json.loads(vectors.read_text()):
            found.setdefault(line["name"], bytes.fromhex(line["bytes"]))

        def one(byte: int) -> bytes:
            return bytes([byte]) * 32
        self.assertEqual(repository.unbase32(found["base32"].decode()), bytes(5 * n % 256 for n in range(56)))
        entries = [repository.parse_entry(repository.decode(bytes_, name)) for name, bytes_ in found.items()
                   if name.startswith("entry ")]
        self.assertEqual([entry.name for entry in entries], [bytes([byte]) for byte in b"abcdefghijk"])
        by_name = {entry.name: entry for entry in entries}
        self.assertEqual(by_name[b"b"].content, [5, one(1)])
        self.assertEqual((by_name[b"b"].mode, by_name[b"b"].owner, by_name[b"b"].user), (0o644, (1000, 1000), b"ada"))
        self.assertEqual(by_name[b"c"].content, [12_289, 0, [[4096, one(1)], [8192], [1, one(2)]]])
        self.assertEqual((by_name[b"c"].link, by_name[b"c"].mtime), (5, (-1, 0)))
        self.assertEqual(by_name[b"c"].attributes, [("xattr", b"user.a", b""), ("xattr", b"user.b", b"\0v")])
        self.assertEqual(by_name[b"d"].content, [100_000_000, 1, [[90_000_000, one(3)], [10_000_000, one(4)]]])
        self.assertEqual((by_name[b"e"].node, by_name[b"f"].target, by_name[b"h"].device), (one(5), b"../x", (8, 1)))
        self.assertEqual((by_name[b"j"].mode, by_name[b"j"].owner, by_name[b"j"].user), (None, None, b"ada"))
        self.assertEqual(by_name[b"k"].attributes, [
            ("xattr", b"user.large", [5000, one(1)]),
            ("xattr", b"user.larger", [100_000, 0, [[60_000, one(2)], [40_000, one(3)]]]), ("xattr", b"user.small", b"v")])
        level, children = repository.decode(found["node directory"], "a node")
        self.assertEqual((level, [repository.parse_entry(child).name for child in children]), (0, sorted(by_name)))
        self.assertEqual(repository.decode(found["node split"], "a node"), [1, [[b"a", one(5)], [b"m", one(6)]]])
        self.assertEqual(repository.decode(found["list lowest"], "a list"), [0, [[5, one(1)], [9]]])
        self.assertEqual(repository.decode(found["list higher"], "a list"), [2, [[2**40, one(3)]]])
        table = repository.decode(found["table"], "a table")
        self.assertEqual([row[:4] for row in table], [[0, 1, 700, 1024], [1, 0, 300, 300], [1, 2, 40, 310]])
        self.assertEqual(table[2][6], [4, one(6) + one(7)])
        self.assertEqual(found["footer"], bytes(4) + (513).to_bytes(4, "little"))
        index = repository.decode(found["index"], "an index")
        self.assertEqual((index[0][:3], index[0][5]), ([b"\x11" * 8, 3, 0], table))
        for name in ("record backup", "record left out", "record join"):
            record = repository.fields(repository.decode(found[name], name), name, {0, 2, 6, 8, 10, 12}, {1, 4})
            self.assertEqual((record[0], record[2]), (b"\x11" * 8, 1 if name == "record join" else 3))

    def test_equal_generations_unite(self) -> None:
        self.simple()
        other = Repository(self.folder, b"device-3")
        Run(other, 1).write([])
        run = Run(other, 2)
        run.write([run.backup(run.tree([run.file(b"g", [b"g"])]))])
        self.blocks(self.repository)
        self.blocks(other)
        self.assertEqual(len(self.snapshots()), 2)


class Damage(Base):
    def setUp(self) -> None:
        super().setUp()
        run = Run(self.repository, 1)
        files = [run.file(b"a", [b"A" * 100_000, b"a" * 9]), run.file(b"b", [b"B" * 100_000])]
        run.write([run.backup(run.tree(files))], large=True)
        self.blocks()
        self.data = [self.repository.paths[1, n] for n in range(2)]
        self.meta, self.record = self.repository.paths[1, 2], self.repository.paths[1, 3]

    def expect(self, code: int, a: str | None, b: str | None) -> None:
        found, lines = self.manifest()
        self.assertEqual((found, lines["a"].get("error"), lines["b"].get("error")), (code, a, b))
        found, target, err = self.restore()
        self.assertEqual((found, os.path.exists(f"{target}/a"), os.path.exists(f"{target}/b")), (code, not a, not b))

    def test_flipped(self) -> None:
        self.expect(0, None, None)
        change(self.data[0], flip)
        self.expect(6, "damaged", None)

    def test_truncated_and_lengthened(self) -> None:
        change(self.data[0], lambda data: data[:-1])
        self.expect(3, "pending", None)
        change(self.data[0], lambda data: data + b"12")
        self.expect(3, "pending", None)

    def test_missing(self) -> None:
        os.unlink(self.data[0])
        self.expect(3, "pending", None)
        self.assertEqual(self.snapshots()[0][-1], "pending 3 of 4")

    def test_swapped(self) -> None:
        """Two objects of equal length whose names were exchanged: each is sealed to its own name."""
        run = Run(self.repository, 2)
        run.write([run.backup(run.tree([run.file(b"a", [b"a"]), run.file(b"b", [b"b"])]))], large=True)
        one, two = self.repository.paths[2, 0], self.repository.paths[2, 1]
        self.assertEqual(os.path.getsize(one), os.path.getsize(two))
        self.expect(0, None, None)
        os.rename(one, one + "x")
        os.rename(two, one)
        os.rename(one + "x", two)
        self.expect(6, "damaged", "damaged")

    def test_conflict_copies(self) -> None:
        shutil.copy(self.data[0], self.data[0] + ".sync-conflict-2026")
        change(self.data[0], flip)
        self.expect(0, None, None)
        os.unlink(self.data[0])
        self.expect(0, None, None)
        shutil.copy(self.data[1], self.data[1] + " (1)")
        change(self.data[1] + " (1)", flip)
        self.expect(0, None, None)
        os.rename(self.data[1], os.path.join(self.folder, "Copy of " + os.path.basename(self.data[1]).upper()))
        self.expect(0, None, None)
        for name in ("notes.txt", "b" * 90, "a" * 89 + "b", os.path.basename(self.data[0])[:89]):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write("foreign")
        self.assertIn("4 foreign files", self.call("list")[2])

    def test_files_on_their_way(self) -> None:
        folder, name = os.path.split(self.data[0])
        for other in (f".syncthing.{name}.tmp", f".{name}.~1f", f"{name}.partial", f".{name}.icloud", f"{name}.nextcloud"):
            os.rename(self.data[0], os.path.join(folder, other))
            self.expect(3, "pending", None)
            self.assertIn("0 foreign files", self.call("list")[2])
            os.rename(os.path.join(folder, other), self.data[0])
        os.mkdir(os.path.join(folder, ".stversions"))
        os.rename(self.data[0], os.path.join(folder, ".stversions", name + "~20261102-101010"))
        self.expect(0, None, None)

    def test_meta(self) -> None:
        with open(self.meta, "rb") as file:
            original = file.read()
        change(self.meta, flip)
        self.assertEqual(self.call("manifest", "latest")[0], 6)
        self.assertEqual(self.call("list")[0], 6)
        os.unlink(self.meta)
        self.assertEqual(self.call("manifest", "latest")[0], 3)
        self.assertEqual(self.snapshots()[0][-1], "pending 3 of 4")
        with open(self.meta, "wb") as file:
            file.write(original)
        self.expect(0, None, None)

    def test_chain(self) -> None:
        run = Run(self.repository, 2)
        run.file(b"f", [b"of the second run"])
        run.write([])
        run = Run(self.repository, 4)
        root = run.tree([run.file(b"f", [b"of the second run"])])
        run.chunks.clear()
        run.write([run.backup(root)])
        self.assertEqual([row[-1] for row in self.snapshots()], ["complete", "complete"])
        os.unlink(self.repository.paths[2, 0])
        self.assertEqual([row[-1] for row in self.snapshots()], ["complete", "pending 5 of 6"])
        self.assertIn("is the latest complete", self.call("ls", "latest")[2])
        # Another record of that run: the one that is named is still missing.
        forged = Run(self.repository, 2)
        self.repository.last = None
        forged.write([])
        self.assertEqual([row[-1] for row in self.snapshots()][-1], "pending 6 of 7")
        self.assertEqual(self.call("list")[0], 0)

    def test_missing_objects_that_nothing_needs(self) -> None:
        """What a missing object held may be nowhere in a snapshot, or elsewhere: then the snapshot is complete (§7.4)."""
        run = Run(self.repository, 2)
        run.write([run.backup(run.tree([]))])
        os.unlink(self.data[0])
        self.assertEqual([row[-1] for row in self.snapshots()], ["pending 3 of 4", "complete"])
        self.assertEqual(self.restore(self.snapshots()[1][0])[0], 0)

    def test_needed_run_that_nothing_names(self) -> None:
        run = Run(self.repository, 2)
        run.write([run.backup(run.tree([run.file(b"g", [b"g"])]), needs=[[b"device-9", 1, 3]])])
        self.assertEqual(self.snapshots()[-1][-1], "complete")
        run = Run(self.repository, 3)
        root = run.tree([run.file(b"g", [b"of the other"])])
        run.chunks.clear()
        run.write([run.backup(root, needs=[[b"device-9", 1, 3]])])
        self.assertTrue(self.snapshots()[-1][-1].startswith("pending"))
        code, lines = self.manifest(self.snapshots()[-1][0])
        self.assertEqual((code, lines["g"]["error"]), (3, "pending"))

    def test_allocated(self) -> None:
        """A client may give a file its length first: zeros, or a copy beside a missing original, are pending."""
        with open(self.data[0], "rb") as file:
            whole = file.read()
        change(self.data[0], lambda data: bytes(len(data)))
        self.expect(3, "pending", None)
        os.unlink(self.data[0])
        with open(self.data[0] + ".part", "wb") as file:
            file.write(whole[:-40] + bytes(40))
        self.expect(3, "pending", None)
        with open(self.data[0], "wb") as file:
            file.write(whole[:-40] + bytes(40))
        self.expect(6, "damaged", None)


class Hostile(Base):
    def snapshot_of(self, *entries: dict, restored: int | None = None) -> tuple[int, dict[str, dict]]:
        """A snapshot with these entries and one good file; both commands must agree on the exit code. What is None in an
        entry is not in it."""
        entries = tuple({key: value for key, value in (META | entry).items() if value is not None} for entry in entries)
        run = Run(self.repository, 1)
        good = run.file(b"zz-good", [b"good"])
        node = run.keep(run.nodes, cbor([0, [*entries, good]]))
        run.file(b"a", [b"data"])
        run.write([run.backup(node)])
        self.blocks()
        code, lines = self.manifest()
        ended, target, _ = self.restore()
        self.assertEqual(ended, code if restored is None else restored)
        self.assertEqual(lines["zz-good"]["size"], 4)
        self.assertEqual(sorted(os.listdir(self.temporary)), ["destination", os.path.basename(target)])
        self.assertTrue(os.path.exists(f"{target}/zz-good"))
        return code, lines

    def test_names(self) -> None:
        names = [b"", b".", b"..", b"../x", b"/etc", b"a\0b", b"a/b", b"n" * 1024]
        code, lines = self.snapshot_of(*({0: name, 2: 2, 8: b"x"} for name in names))
        self.assertEqual(code, 6)
        self.assertEqual(set(lines) - {"zz-good"}, {""})

    def test_link_then_directory(self) -> None:
        outside = os.path.join(self.temporary, "outside")
        os.mkdir(outside)
        run = Run(self.repository, 1)
        below = run.directory(b"d", [run.file(b"evil", [b"x"])])
        node = run.keep(run.nodes, cbor([0, [META | {0: b"d", 2: 2, 8: outside.encode()}, below]]))
        run.write([run.backup(node)])
        self.blocks()
        self.assertEqual(self.restore()[0], 6)
        self.assertEqual(os.listdir(outside), [])

    def test_unknown_keys(self) -> None:
        code, lines = self.snapshot_of({0: b"even", 2: 0, 4: [0], 22: 1}, {0: b"odd", 2: 0, 4: [0], 23: 1})
        self.assertEqual((code, set(lines)), (3, {"", "odd", "zz-good"}))

    def test_unknown_kinds(self) -> None:
        code, lines = self.snapshot_of({0: b"s", 2: 6}, {0: b"t", 2: 99}, {0: b"w", 2: 0, 4: [0], 20: 1})
        self.assertEqual((code, set(lines)), (3, {"", "zz-good"}))

    def test_malformed_name_encoding(self) -> None:
        code, lines = self.snapshot_of({0: b"w", 2: 0, 4: [0], 20: [1]})
        self.assertEqual((code, set(lines)), (6, {"", "zz-good"}))

    def raw_node(self, *entries: bytes) -> tuple[int, dict[str, dict]]:
        """A snapshot with these bytes as entries, in front of a good one."""
        run = Run(self.repository, 1)
        good = cbor(run.file(b"zz-good", [b"good"]))
        node = run.keep(run.nodes, b"\x82\x00" + bytes([0x80 + len(entries) + 1]) + b"".join(entries) + good)
        run.write([run.backup(node)])
        self.blocks()
        return self.manifest()

    def test_encodings(self) -> None:
        """What a skipped key may hold, and what nothing may."""
        head = b"\x02\x03\x0c\x00\x10\x82\x01\x02"
        for value in (b"\xf6", b"\xfb" + bytes(8), b"\xc0\x41a", b"\x82\x81\xa1\x00\x01\x60", b"\xa2\x00\x00\x00\x00", b"\x3b" + b"\xff" * 8):
            self.again()
            code, lines = self.raw_node(b"\xa5\x00\x41a" + head + b"\x07" + value)
            self.assertEqual((code, set(lines)), (0, {"a", "zz-good"}), value)
        for entry in (b"\xa5\x00\x41a" + head + b"\x22\x00", b"\xa5\x00\x41a" + head + b"\x00\x41a", b"\xa1\x00\x41a"):
            self.again()
            code, lines = self.raw_node(entry)
            self.assertEqual((code, set(lines)), (6, {"", "zz-good"}), entry)
        for value in (b"\x9f\xff", b"\xbf\xff", b"\x5f\x41a\xff", b"\x1c", b"\xff"):
            self.again()
            code, lines = self.raw_node(b"\xa5\x00\x41a" + head + b"\x07" + value)
            self.assertEqual((code, set(lines)), (6, {""}), value)

    def test_further_elements(self) -> None:
        an_id = self.repository.piece_id(b"data")
        code, lines = self.snapshot_of({0: b"a", 2: 0, 4: [4, 0, [[4, an_id, 1]], 2], 14: [1, 2, 3], 16: [*META[16], 5],
                                        5: [["xattr", b"user.a", b"b", {}]]})
        self.assertEqual((code, lines["a"]["size"]), (0, 4))

    def test_without_mode_and_owner(self) -> None:
        """A system may have neither; what is made is this user's only (§6.2)."""
        an_id = self.repository.piece_id(b"data")
        self.snapshot_of({0: b"a", 2: 0, 4: [4, an_id], 12: None, 16: None, 1: b"anna"}, {0: b"b", 2: 3, 12: None, 16: None},
                         {0: b"c", 2: 3, 12: 0o4711, 16: None})
        target = next(path for path in os.listdir(self.temporary) if path.startswith("target"))
        for name, mode in (("a", 0o600), ("b", 0o600), ("c", 0o711)):
            status = os.lstat(os.path.join(self.temporary, target, name))
            self.assertEqual((stat.S_IMODE(status.st_mode), status.st_uid), (mode, os.geteuid()))

    def test_large_attributes(self) -> None:
        """Values that are stored like the content of a file (§6.2)."""
        an_id, gone = self.repository.piece_id(b"data"), bytes(32)
        stored = [["xattr", b"user.a", [4, an_id]], ["xattr", b"user.b", [6, 0, [[4, an_id], [2]]]], ["xattr", b"user.c", [0]]]
        code, lines = self.snapshot_of({0: b"a", 2: 3, 5: [["xattr", b"user.b", b"older"]], 11: stored}, restored=3)
        self.assertEqual((code, lines["a"]["attributes"]), (0, [
            ["xattr", name.hex(), value.hex()] for name, value in ((b"user.a", b"data"), (b"user.b", b"data\0\0"), (b"user.c", b""))]))
        # One that is gone, or larger than this system takes, costs itself only.
        for size, items, expected in ((5, [[5, gone]], 6), (65_537, [[4], [65_533]], 3), (5, [[5]], 6)):
            self.again()
            an_id = self.repository.piece_id(b"data")
            items = [[*item, an_id] if item in ([4], [5]) else item for item in items]
            value = [size, 0, items]
            code, lines = self.snapshot_of({0: b"a", 2: 3, 11: [["xattr", b"user.a", [4, an_id]], ["xattr", b"user.z", value]]})
            self.assertEqual((code, [name for _, name, _ in lines["a"].get("attributes", [])]), (expected, [b"user.a".hex()]), (value, lines))
        # Small values have no lists, and a content must add up: else the entry is malformed.
        for value in ([4, 1, [[4, gone]]], [5, 0, [[4, gone]]], [4], [4, 0, [[4, b"x"]]], b"data"):
            self.again()
            code, lines = self.snapshot_of({0: b"a", 2: 3, 11: [["xattr", b"user.a", value]]})
            self.assertEqual((code, set(lines)), (6, {"", "zz-good"}), value)

    def test_long_names(self) -> None:
        """A name that this system does not take costs its entry and no other."""
        an_id = self.repository.piece_id(b"data")
        code, lines = self.snapshot_of({0: b"x" * 1023, 2: 0, 4: [4, an_id]}, restored=3)
        self.assertEqual((code, lines["x" * 1023]["size"]), (0, 4))
        target = next(path for path in os.listdir(self.temporary) if path.startswith("target"))
        self.assertEqual(os.listdir(os.path.join(self.temporary, target)), ["zz-good"])

    def test_first_names_of_parts(self) -> None:
        """They say nothing of what is in a part (§6.1)."""
        run = Run(self.repository, 1)
        parts = [run.keep(run.nodes, cbor([0, [run.file(name, [name])]])) for name in (b"b", b"m")]
        root = run.keep(run.nodes, cbor([1, [[b"a", parts[0]], [b"zz", parts[1]]]]))
        run.write([run.backup(root)])
        self.blocks()
        code, lines = self.manifest()
        self.assertEqual((code, set(lines)), (0, {"b", "m"}))

    def test_attributes_twice(self) -> None:
        """In any order, and of one name the last (§6.2)."""
        many = [["xattr", b"user.b", b"1"], ["xattr", b"user.b", b"2"], ["xattr", b"user.a", b"3"]]
        code, lines = self.snapshot_of({0: b"a", 2: 3, 5: many}, restored=3)
        self.assertEqual((code, lines["a"]["attributes"]),
                         (0, [["xattr", b"user.a".hex(), b"3".hex()], ["xattr", b"user.b".hex(), b"2".hex()]]))

    def test_times_that_no_system_takes(self) -> None:
        """They are told with 3, and the file comes back."""
        _, lines = self.snapshot_of({0: b"f", 2: 0, 4: [0], 14: [2**50, 0]}, restored=3)
        self.assertIn("size", lines["f"])

    def test_attributes_that_no_system_takes(self) -> None:
        """They are told with 3, and the file comes back (§6.2)."""
        for name in (b"", b"user.\0", b"user." + b"n" * 256):
            self.again()
            _, lines = self.snapshot_of({0: b"f", 2: 0, 4: [0], 5: [["xattr", name, b"1"]]}, restored=3)
            self.assertIn("size", lines["f"])
            self.assertTrue(os.path.exists(f"{self.temporary}/target-{self.targets}/f"))

    def test_unknown_before_malformed(self) -> None:
        code, lines = self.snapshot_of({0: b"a", 2: 3, 12: 65535, 22: 1}, {0: b"b", 2: 9, 12: 65535})
        self.assertEqual((code, set(lines)), (3, {"", "zz-good"}))

    def test_groups(self) -> None:
        """A link group is of meaning for files with equal content only."""
        an_id, other = self.repository.piece_id(b"data"), self.repository.piece_id(b"good")
        code, _ = self.snapshot_of({0: b"a", 2: 2, 8: b"gone", 18: 1}, {0: b"b", 2: 0, 4: [4, an_id], 18: 1},
                                   {0: b"c", 2: 0, 4: [4, other], 18: 1}, {0: b"d", 2: 0, 4: [4, an_id], 18: 1})
        self.assertEqual(code, 0)
        target = next(path for path in os.listdir(self.temporary) if path.startswith("target"))
        for name, content in (("b", b"data"), ("c", b"good"), ("d", b"data")):
            with open(os.path.join(self.temporary, target, name), "rb") as file:
                self.assertEqual(file.read(), content)
        same = [os.lstat(os.path.join(self.temporary, target, name)).st_ino for name in "bd"]
        self.assertEqual(same[0], same[1])

    def test_contents(self) -> None:
        an_id = self.repository.piece_id(b"data")
        bad = [[1], [5, an_id], [2**64 - 1, an_id], [4, 0, [[4, an_id]] * 2], [36, 0, [[4, an_id]] * 9], [4, 1, [[4]]],
               [4, 9, [[4, an_id]]], [4, 1, [[4, an_id]]], [4, 0, [[-1], [5]]], [4, 0, [[4, an_id[:5]]]], "text",
               [2**63, 0, [[2**63]]], [0, 0, [[0]]], [4, 0, [[4, bytes(32)]]], []]
        code, lines = self.snapshot_of(*({0: b"%02d" % i, 2: 0, 4: content} for i, content in enumerate(bad)))
        self.assertEqual(code, 6)
        self.assertEqual({key for key in lines if lines[key].get("error") == "damaged"},
                         {f"{i:02}" for i in range(len(bad))})

    def test_unknown_in_a_backup(self) -> None:
        node = Run(self.repository, 1).tree([])
        for number, key in ((1, 2), (2, 5)):
            run = Run(self.repository, number)
            kind, body = run.backup(node)
            run.write([[kind, body | {key: []}]])
        self.blocks()
        code, out, err = self.call("list")
        self.assertEqual((code, len(out.splitlines())), (3, 1))
        self.assertIn("run 1", err)
        self.assertNotIn("run 2", err)

    def test_records_in_a_meta_object(self) -> None:
        """Records of earlier runs may lie in one object, word for word (§5)."""
        records, nodes, chunks = [], {}, {}
        for number in (1, 2):
            run = Run(self.repository, number)
            backup = run.backup(run.tree([run.file(b"f", [b"of run %d" % number])]))
            join = [] if self.repository.last else [[1, {0: "host", 2: bytes(16)}]]
            records.append(run.record(join + [backup], [], []))
            self.repository.last = [number, repository.blake3(records[-1]).digest()]
            nodes |= run.nodes
            chunks |= run.chunks
        blocks = [Block(0, list(chunks.values())), Block(1, list(nodes.values())), Block(4, records, codec=0)]
        Run(self.repository, 3).object(2, 0, blocks)
        self.blocks()
        self.assertEqual([line[5] for line in self.snapshots()], ["complete"] * 2)
        for line, number in zip(self.snapshots(), (1, 2)):
            code, target, err = self.restore(line[0])
            self.assertEqual(code, 0, err)
            with open(f"{target}/f", "rb") as file:
                self.assertEqual(file.read(), b"of run %d" % number)

    def test_needs(self) -> None:
        """A range of runs that ends before it begins is malformed (§7.4)."""
        self.simple()
        run = Run(self.repository, 2)
        run.write([run.backup(run.tree([]), needs=[[b"device-9", 9, 3]])])
        self.blocks()
        code, out, _ = self.call("list")
        self.assertEqual((code, len(out.splitlines())), (6, 1))

    def test_runs(self) -> None:
        """A record that names a later run, or a run that cannot be, is malformed, and no other is (§7.1)."""
        digest, listed = bytes(32), [0, 1, 5000, bytes(16)]
        bad = [{4: [2, digest]}, {4: [3, digest]}, {4: [0, digest]}, {6: [[b"device-9", 0, digest]]},
               {6: [[b"device-9", 2**32, digest]]}, {10: [[3, [listed]]]}, {10: [[2, [listed]], [3, [listed]]]},
               {10: [[0, [listed]]]}, {10: [[2, [[2**32, *listed[1:]]]]]}, {10: [[2, [[0, 1, 2**40, bytes(16)]]]]}]
        self.simple()
        for keys in bad:
            self.repository.last = None
            run = Run(self.repository, 2)
            run.program = keys
            run.write([run.backup(run.tree([]))])
        self.blocks()
        code, out, err = self.call("list")
        self.assertEqual((code, len(out.splitlines())), (6, 1))
        self.assertEqual(err.count("object 0 of run 2 "), len(bad), err)
        code, _, err = self.restore()
        self.assertEqual(code, 3, err)  # a later record is damaged, and with it perhaps a newer snapshot
        self.assertIn("perhaps a newer snapshot", err)

    def test_malformed_records(self) -> None:
        """What is malformed in an item of a record, or in its time, refuses the record and its snapshot (§1, §7)."""
        self.simple()
        digest, good = bytes(32), Run(self.repository, 2)
        _, body = good.backup(bytes(32))
        bodies: list[Any] = [[3, body | {0: bytes(31)}], [3, body | {8: "none"}], [3, body | {1: {0: -1}}], [3, body | {1: []}],
                             [3, body | {4: ["docs", ["text"]]}], [3, body | {4: ["docs", [bytes(131_072)]]}],
                             [1, {0: "host"}], [1, {0: "host", 2: bytes(15)}], [1, {0: b"host", 2: bytes(16)}],
                             [1, {0: "host", 2: bytes(16), 4: [b"device-9", 0, digest]}], [4, []], [3], ["3", body]]
        programs: list[dict[int, Any]] = [{8: []}, {8: [1, 10**9, 0]}, {8: [1, 0, 2**15]}, {8: [2**63, 0, 0]}, {1: b"tests"}]
        for item, program in [(item, {}) for item in bodies] + [([3, body], program) for program in programs]:
            self.repository.last = [1, digest]
            run = Run(self.repository, 2)
            run.program = program
            run.write([item])
        self.blocks()
        code, out, err = self.call("list")
        self.assertEqual((code, len(out.splitlines())), (6, 1))
        self.assertEqual(err.count("object 0 of run 2 "), len(bodies) + len(programs), err)

    def test_malformed_parts(self) -> None:
        """A part of a split directory is no entry: a malformed one refuses the node that names it (§1, §6.1)."""
        for part in ([b"g"], [b"g", bytes(31)], ["g", bytes(32)], [b"g/h", bytes(32)], [b"", bytes(32)], 7, None):
            self.again()
            run = Run(self.repository, 1)
            leaf = run.keep(run.nodes, cbor([0, [run.file(b"f", [b"x"])]]))
            root = run.keep(run.nodes, cbor([1, [[b"f", leaf]] + ([] if part is None else [part])]))
            run.write([run.backup(root)])
            self.blocks()
            code, lines = self.manifest()
            self.assertEqual((code, "f" in lines), (0, True) if part is None else (6, False), part)

    def test_plaintexts(self) -> None:
        """Objects that open but hold nonsense are refused one by one, and the others stay readable."""
        piece_id, nested = self.repository.piece_id(b"x", 1), b"\x81" * 40 + b"\x00"
        bomb = self.repository.table_and_blocks([Block(1, [bytes(4 << 20)])])
        bomb[0][0][3:] = [10, piece_id, [10]]
        tables = [cbor([[1, 0, 2**40, 1, piece_id, [1]]]), cbor([[1, 0, 1, 2**30, piece_id, [2**30]]]),
                  cbor([[1, 0, 1, 1, piece_id, [1, 1]]]), cbor([[9, 0, 0, 0, b"", []]]), cbor([[1, 7, 0, 0, b"", []]]),
                  cbor([[1, 0, 0, 0, b"", [], 5]]), nested, b"\x9b" + b"\xff" * 8, b"", cbor([]) + b"\0", cbor(5),
                  b"\xd8\x1c\x81\xd8\x1d\x00", b"\xa2\x00\x00\x00\x00"]
        plains = [table + bytes(4) + len(table).to_bytes(4, "little") for table in tables]
        plains += [b"", b"1234567", bytes(4) + b"\xff" * 4, b"\1\0\0\0" + bytes(4)]
        for number, plain in enumerate(plains):
            self.repository.write_plain(2, 9, number, plain)
        table = cbor(bomb[0])
        self.repository.write_plain(2, 8, 0, bomb[1] + table + bytes(4) + len(table).to_bytes(4, "little"))
        self.simple()
        self.blocks()
        code, out, err = self.call("list")
        self.assertEqual(code, 6)
        for number in range(len(plains)):
            self.assertIn(f"object {number} of run 9 ", err)
        self.assertEqual(self.restore()[0], 0)

    def test_random_cbor(self) -> None:
        seed = random.randrange(2**32)
        rng, run = random.Random(seed), Run(self.repository, 1)
        good = [cbor(run.file(b"name", [b"a", 5, b"b"], attributes=[["xattr", b"a", b"b"]], mtime=[1, 2])),
                cbor({0: 1, 2: [], 4: []})]
        for _ in range(3000):
            data = bytearray(rng.choice(good))
            for _ in range(rng.randrange(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            try:
                repository.parse_entry(repository.decode(bytes(data), "it"))
            except repository.Problem:
                pass
            except Exception as error:
                self.fail(f"seed {seed}: {bytes(data).hex()}: {error!r}")

    def test_usage(self) -> None:
        self.simple()
        self.blocks()
        code, target, _ = self.restore()
        self.assertEqual(self.call("restore", "latest", target)[0], 1)
        self.assertEqual(self.call("restore", "latest")[0], 1)
        self.assertEqual(self.call("list", "--password-file", "/does/not/exist")[0], 1)


class Newer(Base):
    """What a later version writes: one unknown thing of each kind (§1.1, §4.2, §4.4, §7.1)."""

    def latest(self) -> str:
        """The latest that is understood comes back, and it is said that there is more; nothing is damaged."""
        code, target, err = self.restore()
        self.assertEqual(code, 3, err)
        self.assertNotIn("damaged", err)
        with open(f"{target}/f", "rb") as file:
            self.assertEqual(file.read(), b"content 1")
        self.assertEqual(self.call("list")[0], 3)
        return err

    def test_later_names(self) -> None:
        """Objects of later kinds are of this repository and never opened; with epoch or run 0, or too long, too."""
        for kind in (0, 4, 6, 7, 255):
            self.again()
            self.simple()
            self.repository.write_plain(kind, 2, 0, b"from a later version")
            self.blocks()
            self.assertIn("not understood", self.latest())
            self.assertIn("; 0 foreign files", self.call("list")[2])

    def test_later_objects(self) -> None:
        """A version, a kind, a codec and an element of a table that are not known: of a record's object, and of data."""
        tables = [[[9, 0, 0, 0, b"", []]], [[1, 7, 0, 0, b"", []]], [[1, 0, 0, 0, b"", [], 5]],
                  [[1, 0, 0, 0, b"", [], 5, 6]], [[300, 0, 0, 0, b"", []]], [[1, 300, 0, 0, b"", []]]]
        plains = [cbor(table) + bytes(4) + len(cbor(table)).to_bytes(4, "little") for table in tables]
        plains += [b"\x80" + version + b"\1\0\0\0" for version in (b"\1\0\0\0", b"\0\0\1\0")]
        for plain in plains:
            for kind in (3, 1):
                self.again()
                self.simple()
                if kind == 1:
                    run = Run(self.repository, 2)
                    gone = {0: b"gone", 2: 0, 4: [1, self.repository.piece_id(b"x")]}
                    listed = [self.repository.write_plain(1, 2, 0, plain)]
                    piece = run.record([run.backup(run.tree([gone]))], listed, [])
                    run.object(3, 1, [Block(1, list(run.nodes.values())), Block(4, [piece], codec=0)])
                else:
                    self.repository.write_plain(3, 2, 0, plain)
                self.blocks()
                if kind == 3:
                    self.latest()
                    continue
                self.assertIn("pending 2 of 3", self.call("list")[1])
                code, _, err = self.restore(self.call("list")[1].splitlines()[-1].split("\t")[0])
                self.assertEqual((code, "not understood" in err, "damaged" in err), (3, True, False), err)

    def test_later_records(self) -> None:
        """An unknown even key of a record, of its backup, and an unknown item; what follows is linked to it."""
        for keys, item in (({14: 1}, None), ({}, {10: 1}), ({}, "type")):
            self.again()
            self.simple()
            run = Run(self.repository, 2)
            run.program = keys
            backup = run.backup(run.tree([]))
            if item == "type":
                backup = [12, {}]
            elif item:
                backup[1] |= item
            run.write([backup])
            self.blocks()
            self.latest()
            self.simple(3)
            code, target, err = self.restore()
            self.assertEqual(code, 0, err)
            self.assertTrue(os.path.exists(f"{target}/f"))
            self.assertEqual([line.split("\t")[5] for line in self.call("list")[1].splitlines()].count("complete"), 2)

    def test_later_join(self) -> None:
        """A join that is not understood costs the device its name, and nothing else."""
        run = Run(self.repository, 1)
        record = run.record
        run.record = lambda items, listed, seen: record([[1, {6: "host", 2: bytes(16)}], *items[1:]], listed, seen)
        run.write([run.backup(run.tree([run.file(b"f", [b"f"])]))])
        self.blocks()
        code, out, err = self.call("list")
        self.assertEqual((code, out.split("\t")[2:4]), (3, [b"device-1".hex(), "docs"]), err)

    def test_later_kinds_in_a_list(self) -> None:
        """A list is only a list."""
        self.simple()
        run = Run(self.repository, 2)
        listed = [self.repository.write_plain(kind, 2, kind, b"later") for kind in (4, 7)]
        piece = run.record([run.backup(run.tree([run.file(b"f", [b"content 1"])]))], listed, [])
        run.object(3, 0, [Block(0, list(run.chunks.values())), Block(1, list(run.nodes.values())), Block(4, [piece], codec=0)])
        self.blocks()
        code, target, err = self.restore()
        self.assertEqual(code, 0, err)
        self.assertEqual(self.call("list")[0], 3)


if __name__ == "__main__":
    unittest.main()
