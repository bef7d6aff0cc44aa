"""Tests of what is made of the figures: charts, tables in documents, profiles, reckonings."""

import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

from harness import documents, report, run, versions  # noqa: E402
from harness.charts import Bar, Panel, chart  # noqa: E402
from harness.cost import reckoned  # noqa: E402
from harness.inlined import answer, mappings, segments  # noqa: E402
from harness.pictures import draw  # noqa: E402
from harness.profile import table  # noqa: E402
from harness.rows import FIGURES, Rows  # noqa: E402
from harness.samples import OTHER, Frame, add_up, kind, stacks  # noqa: E402
from harness.syncs import counted  # noqa: E402
from harness.tools import Keepmum, Place  # noqa: E402
from harness.trees import find_or_make, known_as  # noqa: E402

KINDS = {"keepmum": "keepmum", "restic": "peer", "cp": "floor"}


class Published(unittest.TestCase):
    """A test with figures of two steps in a folder of its own."""

    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)
        self.rows = Rows(self.folder / "rows.jsonl")
        for number in (1, 2, 3):
            for tool in KINDS:
                self.add(tool, "first", number)
            self.add("keepmum", "nochange", number, new_files=0, new_bytes=0)
            self.add("restic", "nochange", number)
        self.add("restic", "restore", 1, ok=False)
        self.add("keepmum", "restore", 1)
        here = mock.patch.object(report, "machine", return_value="Here.")
        here.start()
        self.addCleanup(here.stop)

    def add(self, tool: str, step: str, number: int, ok: bool = True, **more: float) -> None:
        names = {"tool": tool, "version": f"{tool} 1", "tree": "sysroot", "step": step, "round": number}
        figures = {**dict.fromkeys(FIGURES, 2000 * number), "wall": 1.0 * number, "user": 1.0, "sys": 1.0}
        rest = {"ok": ok, "reason": "" if ok else "exit 9", "tree_entries": 5, "tree_bytes": 6}
        self.rows.add({**names, **figures, **rest, **more})


class Charts(Published):
    def test_the_same_figures_give_the_same_bytes_and_every_label(self) -> None:
        made = draw(self.rows, ["sysroot"], KINDS, self.folder / "charts")
        self.assertEqual(
            [path.name for path in made], [f"sysroot-{n}.svg" for n in ("time", "upload", "memory")]
        )
        before = [path.read_bytes() for path in made]
        again = draw(Rows(self.rows.path), ["sysroot"], KINDS, self.folder / "charts")
        self.assertEqual([path.read_bytes() for path in again], before)
        texts = [" ".join(xml.etree.ElementTree.fromstring(data).itertext()) for data in before]
        for words in ("first run", "keepmum", "restic", "cp", "2.00 s", "failed"):
            self.assertIn(words, texts[0])
        for words in ("no change", "nothing", "4,000 B"):
            self.assertIn(words, texts[1])
        self.assertNotIn("cp", texts[1])
        self.assertLess(max(map(len, before)), 10_000)

    def test_both_kinds_of_page_are_known(self) -> None:
        text = chart("t", "n", [Panel("p", [Bar("a|b", "floor", 1.0, "1")])], "own")
        self.assertIn("prefers-color-scheme:dark", text)
        self.assertIn("a|b", text)

    def test_a_logarithm_shows_small_and_large(self) -> None:
        bars = [Bar("a", "keepmum", 1_000, "x"), Bar("b", "peer", 10**9, "y")]
        root = xml.etree.ElementTree.fromstring(chart("t", "n", [Panel("p", bars)], "log"))
        widths = [float(e.attrib["width"]) for e in root.iter() if e.attrib.get("class") in ("k", "p")]
        self.assertAlmostEqual(widths[1] / widths[0], 7, delta=0.2)


class Documents(Published):
    def test_blocks_are_replaced_and_nothing_else(self) -> None:
        path = self.folder / "x.md"
        end = "<!-- figures: end -->\n"
        path.write_text(
            f"a\n<!-- figures: begin sysroot; more words -->\nold\n{end}b\n"
            f"<!-- figures: begin image -->\nkept\n{end}<!-- levels: begin sysroot -->\nkept\n<!-- levels: end -->\n"
        )
        texts = {"sysroot": "new \\1 text\n"}
        self.assertEqual(documents.fill(path, "figures", texts.get), ["sysroot"])
        once = path.read_text()
        self.assertEqual(documents.fill(path, "figures", texts.get), ["sysroot"])
        self.assertEqual(path.read_text(), once)
        self.assertIn("more words -->\nnew \\1 text\n<!--", once)
        self.assertEqual((once.count("kept"), once.count("old"), once[:2]), (2, 0, "a\n"))

    def test_a_summary_has_no_floors_and_names_failures(self) -> None:
        text = documents.summary("sysroot", self.rows.medians("sysroot", list(KINDS)), KINDS)
        self.assertIn("| work | keepmum | restic |", text)
        self.assertIn("bench/run --tree sysroot --rounds 3 --steps first,nochange,restore", text)
        self.assertIn("| its stored size | 4,000 B in 4,000 files | 4,000 B in 4,000 files |", text)
        self.assertIn("| restore of everything | 1.00 s | failed |", text)

    def test_one_command_writes_tables_and_charts(self) -> None:
        for name in ("readme", "document"):
            path = self.folder / f"{name}.md"
            path.write_text("<!-- figures: begin sysroot -->\n<!-- figures: end -->\n")
        words = ["--report-only", "--tree", "sysroot", "--work", str(self.folder)]
        files = [f"--{name}={self.folder / name}.md" for name in ("readme", "document")]
        run.main([*words, *files, "--tools", "keepmum,restic,cp"])
        self.assertIn("| its stored size |", (self.folder / "readme.md").read_text())
        text = (self.folder / "document.md").read_text()
        self.assertIn("![sysroot: wall time](charts/sysroot-time.svg)", text)
        self.assertTrue((self.folder / "charts" / "sysroot-time.svg").exists())

    def test_levels_are_compared_where_all_were_measured(self) -> None:
        for level in ("keepmum-fast", "keepmum-high"):
            self.add(level, "first", 1, version="keepmum 1")
        path = self.folder / "document.md"
        path.write_text("<!-- levels: begin sysroot -->\n<!-- levels: end -->\n")
        words = ["--report-only", "--tree", "sysroot", "--work", str(self.folder), "--document", str(path)]
        run.main([*words, "--tools", "keepmum"])
        text = path.read_text()
        self.assertIn("| step | keepmum-fast | keepmum | keepmum-high |", text)
        self.assertEqual((text.count("keepmum 1"), text.count("| no change |")), (1, 0))

    def test_the_readme_has_a_block_that_is_filled(self) -> None:
        copy = self.folder / "README.md"
        copy.write_text((Path(__file__).parents[1] / "README.md").read_text())
        self.assertEqual(documents.fill(copy, "figures", lambda _: "x"), ["sysroot"])

    def test_prose_is_wrapped_and_tables_are_not(self) -> None:
        long = "word " * 30
        text = documents.wrapped(f"{long}\n| {long} |\n```\n{long}\n```\n![{long}](x)\n{long}")
        lengths = [len(line) for line in text.splitlines()]
        self.assertEqual([length > documents.WIDTH for length in lengths],
                         [False, False, True, False, True, False, True, False, False])  # fmt: skip


class Tools(Published):
    def test_levels_are_tools_with_a_config_of_their_own(self) -> None:
        for level, name in (("fast", "keepmum-fast"), ("default", "keepmum"), ("high", "keepmum-high")):
            place = Place(self.folder / name, self.folder)
            tool = Keepmum(level)
            tool.prepare(place)
            self.assertEqual(tool.name, name)
            self.assertIn(f"compression = {level}\n", (place.folder / "config.ini").read_text())

    def test_levels_are_measured_when_they_are_named_only(self) -> None:
        self.assertNotIn("keepmum-fast", run.arguments([]).tools)
        self.assertEqual(run.arguments(["--tools", "keepmum-high"]).tools, ["keepmum-high"])

    def test_a_tree_is_known_before_it_is_made(self) -> None:
        self.assertEqual((known_as("image", True), known_as("sysroot", True)), ("image-quick", "sysroot"))
        self.assertEqual(find_or_make(str(self.folder), self.folder).name, known_as(str(self.folder)))

    def test_versions_are_generated_where_none_can_be_fetched(self) -> None:
        package = self.folder / "packages" / "registry" / "words-1.0.0"
        package.mkdir(parents=True)
        for number in range(60):
            (package / f"{number}.txt").write_text(f"line\nof {number}\n")
        target = self.folder / "trees" / "versions"
        target.mkdir(parents=True)
        with mock.patch.object(versions, "fetch", side_effect=[package, None]) as fetch:
            (target.parent / "packages").mkdir()
            versions.make(target, self.folder / "packages")
        self.assertEqual(fetch.call_count, 2)
        self.assertEqual(sorted(p.name for p in target.iterdir()), ["01", "02", "03", "04", "05"])

    def test_calls_that_wait_for_the_disk_are_counted(self) -> None:
        trace = "1 fsync(3) = 0\n2 fdatasync(4 <unfinished ...>\n2 <... fdatasync resumed>) = 0\n1 syncfs(5) = 0\n"
        self.assertEqual(counted(trace + '3 openat(AT_FDCWD, "f", O_WRONLY|O_DSYNC) = 4\n'),
                         {"fsync": 1, "fdatasync": 1, "syncfs": 1, "opened with O_DSYNC": 1})  # fmt: skip


SCRIPT = """\
keepmum
\t    ffffffff81e0 rep_movs_alternative ([kernel.kallsyms])
\t    ffffffff81a0 filemap_read ([kernel.kallsyms])
\t    ffffffff8100 __x64_sys_pread64 ([kernel.kallsyms])
\t    7f0000000010 __pread64+0x12 (/usr/lib/libc.so.6)

worker-1
\t    ffffffff81e0 clear_page_erms ([kernel.kallsyms])
\t    ffffffff8120 asm_exc_page_fault ([kernel.kallsyms])
\t    ffffffff8100 __x64_sys_read ([kernel.kallsyms])

worker-0
\t    55550000 ZSTD_compressBlock_doubleFast (/x/keepmum)

python3
\t    7f00 main (/usr/bin/python3)

worker-1
\t    55550000 <alloc::vec::Vec<T> as core::ops::Index>::index::h0123456789abcdef (/x/keepmum)
\t    55560000 keepmum::ops::backup::run (/x/keepmum)

worker-1
\t    55550000 [unknown] (/x/keepmum)
"""


class Profiles(unittest.TestCase):
    def test_the_innermost_frame_that_says_something_decides(self) -> None:
        profile = add_up(stacks(SCRIPT.splitlines(keepends=True)))
        wanted = {"kernel: file reads": 1, "kernel: page faults and memory": 1, "zstd compress": 1}
        self.assertEqual(profile.kinds, {**wanted, "own code: ops": 1, OTHER: 1})
        self.assertEqual(profile.threads, {"keepmum": 1, "worker": 4})
        self.assertEqual((profile.total, profile.others["[unknown]"]), (5, 1))

    def test_primitives_are_told_apart(self) -> None:
        names = {
            "ZSTD_decompressSequencesLong_bmi2": "zstd decompress",
            "HUF_decompress4X1_usingDTable_internal_fast": "zstd decompress",
            "HUF_compress1X_usingCTable": "zstd compress",
            "sqlite3VdbeExec": "SQLite",
            "blake3::platform::Platform::hash_many": "BLAKE3",
            "ring_core_0_17_14__aes_hw_ctr32_encrypt_blocks": "AES-GCM and SHA-512 (ring)",
            "keepmum::chunk::lanes::scan": "chunker",
            "aes::x86::ni::encrypt": "chunker",
            "__memmove_avx_unaligned_erms": "copying and allocating memory",
            "_int_malloc": "copying and allocating memory",
            "ring::aead::aes::hw::Key::encrypt": "AES-GCM and SHA-512 (ring)",
            "encrypt8 /r/aes-0.9.4/src/x86/ni.rs": "chunker",
            "balance /r/libsqlite3-sys-0.40.0/sqlite3/sqlite3.c": "SQLite",
            "loop /r/zstd-sys-2.1.3/zstd/lib/decompress/huf_decompress_amd64.S": "zstd decompress",
            "closure /x/crates/keepmum/src/format/entry.rs": "own code: format",
            "main /x/crates/keepmum-cli/src/main.rs": "own code: the program",
            "core::slice::sort": OTHER,
        }
        for name, wanted in names.items():
            self.assertEqual(kind([Frame(1, name, False, "keepmum")]), wanted, name)

    def test_inlined_functions_are_found_again(self) -> None:
        lines = ["0x10\n", "inner\n", "a.rs:1\n", "outer\n", "b.rs:2\n", "0x0\n", "??\n", "??:0\n"]
        self.assertEqual(answer(iter(lines)), ["inner a.rs", "outer b.rs"])
        event = " keepmum 7 PERF_RECORD_MMAP2 7/7: [0x5560(0x1000) @ 0x200 fe:00 1 2]: r-xp /x/keepmum"
        self.assertEqual(
            mappings([event, event.replace("r-xp", "r--p")], "/x/keepmum"), [(0x5560, 0x1000, 0x200)]
        )
        header = "  LOAD           0x000200 0x0000000000001200 0x0000000000001200 0x3000 0x3000 R E 0x1000"
        self.assertEqual(segments([header]), [(0x200, 0x1200, 0x3000)])

    def test_a_table_has_a_column_for_each_step(self) -> None:
        profile = add_up(stacks(SCRIPT.splitlines(keepends=True)))
        cost = {"wall": 2.0, "user": 1.0, "sys": 2.0, "peak": 10_000}
        text = table([("first", cost, profile), ("check", cost, profile)])
        self.assertIn("| | first | check |", text)
        self.assertIn("| cores busy (CPU ÷ wall) | 1.50 | 1.50 |", text)
        self.assertIn("| thread worker | 80.0 % | 80.0 % |", text)


class Reckoning(unittest.TestCase):
    def test_large_cases_follow_from_small_ones(self) -> None:
        files = {"tree bytes": 4040, "entries": 101, "index bytes": 3200, "chunk pieces": 100, "table bytes in data": 3400,
                 "catalogue": 26_260, "rebuilt": 0.00101, "sealed": 9000, "objects a run": 1.0, "bytes a run": 4095}  # fmt: skip
        large = {"chunk pieces": 10, "length": 655_360, "list bytes": 390, "index bytes": 370, "table bytes in data": 370,
                 "seal bytes": 700, "sealed": 700_000, "padding bytes in data": 7000, "catalogue": 560}  # fmt: skip
        lines = {line.name: line.value for line in reckoned(files, large)}
        self.assertEqual(lines["entry, a file of one chunk"], "40.0 B")
        self.assertEqual(lines["10⁶ files: index"], "32 MB")
        self.assertEqual(lines["10⁶ files: catalogue made again"], "10.0 s")
        self.assertEqual(lines["1 TB of large files: chunks"], "15.3 million")
        self.assertEqual(lines["1,000 daily runs: objects, bytes"], "1,000, 4.1 MB")


if __name__ == "__main__":
    unittest.main()
