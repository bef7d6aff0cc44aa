"""Tests of what the figures rest on: `python3 -m unittest discover -s bench`.

A comparison that overlooks a difference, or an edit that does not go back,
would make every table wrong without anybody noticing.
"""

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

from harness import edits, report, steps  # noqa: E402
from harness.compare import compare  # noqa: E402
from harness.measure import Command, listing, measure, uploads  # noqa: E402
from harness.rows import Rows  # noqa: E402
from harness.trees import Tree, count, make_many, make_random  # noqa: E402
from harness.versions import become, generate  # noqa: E402


class InFolder(unittest.TestCase):
    """A test with an empty folder of its own."""

    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def tree(self, name: str) -> Path:
        """A small tree that has one of everything that matters."""
        root = self.folder / name
        (root / "top" / "deep").mkdir(parents=True)
        (root / "top" / "text.txt").write_text("a line\n" * 200)
        (root / "top" / "deep" / "other.txt").write_text("another\n" * 300)
        (root / "link").symlink_to("top/text.txt")
        os.link(root / "top" / "text.txt", root / "hard")
        with open(root / "holes", "wb") as out:
            out.truncate(1 << 20)
        for path in [*sorted(root.rglob("*"), reverse=True), root]:
            os.utime(path, ns=(10**18, 10**18 + 7), follow_symlinks=False)
        return root


class Comparing(InFolder):
    def test_equal_trees_are_equal(self) -> None:
        result = compare(str(self.tree("a")), str(self.tree("b")))
        self.assertEqual((result.lines, result.entries), ([], 8))

    def test_every_kind_of_difference_is_seen(self) -> None:
        text = "top/text.txt"
        changes = {
            "content": lambda b: (b / text).write_text("A line\n" * 200),
            "1400 bytes against": lambda b: (b / text).write_text("short"),
            "mode": lambda b: (b / "top").chmod(0o700),
            "mtime": lambda b: os.utime(b / "link", ns=(0, 10**18 + 8), follow_symlinks=False),
            "target": lambda b: ((b / "link").unlink(), (b / "link").symlink_to("elsewhere")),
            "missing": lambda b: (b / text).unlink(),
            "only on": lambda b: (b / "more").touch(),
            "file against folder": lambda b: ((b / text).unlink(), (b / text).mkdir()),
            "hard link": lambda b: ((b / "hard").unlink(), (b / "hard").write_bytes((b / text).read_bytes())),
            "sparse": lambda b: (b / "holes").write_bytes(bytes(1 << 20)),
        }
        for number, (word, change) in enumerate(changes.items()):
            a, b = self.tree(f"a{number}"), self.tree(f"b{number}")
            change(b)
            aspects = {"content", "mode", "owner", "mtime", "links", "root", "sparse"}
            lines = compare(str(a), str(b), aspects, limit=1000).lines
            self.assertTrue(any(word in line for line in lines), f"{word}: {lines}")

    def test_the_list_is_cut_but_the_count_is_not(self) -> None:
        a, b = self.tree("a"), self.tree("b")
        for number in range(30):
            (a / f"{number}").touch()
        result = compare(str(a), str(b), {"content"})
        self.assertEqual((len(result.lines), result.count), (20, 30))


class Editing(InFolder):
    def source(self, original: Path) -> edits.Source:
        tree = Tree("t", str(original), *count(original))
        return edits.Source(tree, self.folder / "copies" / "t", True)

    def test_edits_go_back_even_when_cut_off(self) -> None:
        source = self.source(self.tree("a"))
        source.bring_to(["oneline", "rename"])
        self.assertTrue((source.path / "top-renamed").is_dir())
        same = compare(str(source.original), str(source.path)).count
        self.assertGreater(same, 0)
        (source.folder / "busy").touch()  # as a kill in the middle leaves it
        source.bring_to(["oneline"])
        self.assertEqual((source.path / "top/deep/other.txt").stat().st_size, 2440)
        source.bring_to([])
        self.assertEqual(compare(str(source.original), str(source.path)).lines, [])

    def test_edits_are_the_same_each_time(self) -> None:
        make_random(self.tree_of_one(), 2 << 20)
        source = self.source(self.folder / "one")
        source.bring_to(["writes", "insert"])
        once = (source.path / "random.raw").read_bytes()
        self.assertEqual(len(once), (2 << 20) + 5)
        source.bring_to([])
        self.assertEqual(compare(str(source.original), str(source.path)).lines, [])
        source.bring_to(["writes", "insert"])
        self.assertEqual((source.path / "random.raw").read_bytes(), once)

    def tree_of_one(self) -> Path:
        (self.folder / "one").mkdir()
        return self.folder / "one"

    def test_a_version_becomes_another_and_back(self) -> None:
        make_many(self.folder / "packages" / "registry" / "words", 1000)
        generate(self.folder / "made", self.folder / "packages", 3)
        now = self.folder / "now"
        become_all = [1, 2, 3, 1]
        now.mkdir()
        for number in become_all:
            version = self.folder / "made" / f"{number:02}"
            become(now, version, number)
            self.assertEqual(compare(str(version), str(now), {"content", "mode"}).lines, [])


class Measuring(InFolder):
    def test_time_memory_and_exit_code_are_the_command_s(self) -> None:
        work = "x = bytearray(200_000_000); import time; time.sleep(0.2)"
        log = self.folder / "log"
        cost = measure([Command([sys.executable, "-c", work])], self.folder, log, 60)
        self.assertTrue(cost.ok and 0.2 <= cost.wall < 30 and 200e6 < cost.peak < 300e6, cost)
        ballast = bytearray(os.urandom(1)) * 100_000_000  # must not count for the child
        cost = measure([Command(["true"])], self.folder, log, 60)
        self.assertLess(cost.peak, len(ballast) // 2)
        self.assertEqual(measure([Command(["false"])], self.folder, log, 60).reason, "exit 1")
        self.assertIn("stopped", measure([Command(["sleep", "9"])], self.folder, log, 1).reason)

    def test_uploads_are_new_and_changed_files(self) -> None:
        for name in ("same", "changed", "gone"):
            (self.folder / name).write_text("1234")
        before = listing(self.folder)
        (self.folder / "changed").write_text("12345")
        (self.folder / "gone").unlink()
        (self.folder / "sub").mkdir()
        (self.folder / "sub" / "new").write_text("123456")
        found = uploads(before, listing(self.folder))
        wanted = {"new_files": 2, "new_bytes": 11, "deleted_files": 1, "deleted_bytes": 4}
        self.assertEqual({k: found[k] for k in wanted}, wanted)


class Reporting(InFolder):
    def row(self, tool: str, number: int, wall: float, ok: bool = True, version: str = "1") -> dict:
        figures = dict.fromkeys(("user", "sys", "peak", "new_files", "new_bytes", "deleted_files"), 1)
        figures |= dict.fromkeys(("deleted_bytes", "stored_files", "stored_bytes"), 1)
        names = {"tool": tool, "version": version, "tree": "t", "step": "first", "round": number}
        return {**names, "ok": ok, "reason": "" if ok else "exit 9", "wall": wall, **figures,
                "tree_entries": 1, "tree_bytes": 1}  # fmt: skip

    def test_rows_survive_a_torn_line_and_failures_show(self) -> None:
        rows = Rows(self.folder / "rows.jsonl")
        for number, wall in enumerate((4.0, 1.0, 2.0), 1):
            rows.add(self.row("restic", number, wall))
            rows.add(self.row("keepmum", number, 1.0, ok=number != 2))
        rows.add(self.row("borg", 1, 8.0, version="old"))
        with open(rows.path, "a") as out:
            out.write(json.dumps(self.row("x", 1, 1.0))[:30])
        rows = Rows(rows.path)
        rows.add(self.row("borg", 1, 5.0, version="new"))
        rows = Rows(rows.path)
        self.assertTrue(rows.finished("restic", "1", "t", "first", 3))
        self.assertFalse(rows.finished("keepmum", "1", "t", "first", 2))
        with mock.patch.object(report, "machine", return_value="here"):
            text = report.markdown(rows, ["t"], {"keepmum": "keepmum", "restic": "peer", "borg": "peer"})
        for words in ("2.00 s (×1.00)", "5.00 s (×2.50)", "**failed**: exit 9"):
            self.assertIn(words, text)

    def test_a_plan_has_what_its_steps_need(self) -> None:
        self.assertEqual(steps.plan(["restore"], ["oneline", "rename"], True), ["first", "restore"])
        self.assertEqual(steps.plan(["versions"], ["version-02"], False), ["first", "version-02"])


if __name__ == "__main__":
    unittest.main()
