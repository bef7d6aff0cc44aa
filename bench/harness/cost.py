"""What the format costs: metadata for each entry and each chunk, and what follows from that.

Two small trees are saved, and the independent reader says of each stored byte
what it is for. From these constants the large cases are reckoned on paper, with
the formula beside each figure, so that anybody can do it again.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import documents
from harness.python import READER, python
from harness.report import size
from harness.scale import Bench, write_tree
from harness.tools import ROOT, Keepmum, build

PER_FOLDER = 100
RUNS = 20


@dataclass
class Line:
    """One figure: its name, the figure as text, and where it comes from."""

    name: str
    value: str
    formula: str


def anatomy(bench: Bench) -> dict[str, int]:
    """What the bytes of a repository are."""
    script = Path(__file__).with_name("anatomy.py")
    words = [python(), script, READER, bench.place.destination, bench.place.folder / "password"]
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout)
    told = sum(value for name, value in figures.items() if "bytes" in name)
    if told != figures["sealed"]:
        raise SystemExit(f"{figures['sealed']} bytes are stored, {told} of them are accounted for")
    return figures


def quickest(bench: Bench, lost: bool) -> float:
    """Seconds of the quickest of three runs without a change, each with the catalogue lost or not."""
    walls = []
    for _ in range(3):
        if lost:
            bench.lose_catalogue()
        walls.append(bench.backup().wall)
    return min(walls)


def of_files(work: Path, count: int) -> dict[str, float]:
    """Many small files of one chunk each; the catalogue, its loss, and small runs."""
    source = work / "source"
    write_tree(source, 1, 1, lambda _: 100)
    bench = Bench(work / "one", source)
    bench.backup()
    none = bench.catalogue()
    fixed = quickest(bench, lost=True)
    shutil.rmtree(source)
    write_tree(source, count, PER_FOLDER, lambda number: 60 + 37 * number % 83)
    bench = Bench(work / "files", source)
    bench.backup()
    figures: dict[str, float] = dict(anatomy(bench))
    figures["entries"] = count + -(-count // PER_FOLDER)
    figures["catalogue"] = bench.catalogue() - none
    unchanged = quickest(bench, lost=False)
    figures["rebuilt"] = max(0.0, quickest(bench, lost=True) - fixed - unchanged)
    before = bench.stored()
    for number in range(RUNS):
        with (source / f"folder-{number % 7:05}" / f"file-{number % 7 * PER_FOLDER:07}.txt").open("a") as out:
            out.write(f"line {number}\n")
        bench.backup()
    after = bench.stored()
    figures["objects a run"] = (after[1] - before[1]) / RUNS
    figures["bytes a run"] = (after[0] - before[0]) / RUNS
    shutil.rmtree(source)
    shutil.rmtree(bench.place.folder)
    return figures


def of_one(work: Path, megabytes: int) -> dict[str, float]:
    """One large file of noise."""
    source = work / "large"
    source.mkdir()
    with (source / "noise").open("wb") as out:
        for number in range(megabytes):
            out.write(random_block(number))
    bench = Bench(work / "large-run", source)
    none = bench.catalogue()
    bench.backup()
    figures: dict[str, float] = dict(anatomy(bench))
    figures["catalogue"] = bench.catalogue() - none
    figures["length"] = megabytes << 20
    shutil.rmtree(source)
    shutil.rmtree(bench.place.folder)
    return figures


def random_block(number: int) -> bytes:
    """A MiB that does not compress and is the same every time."""
    return random.Random(f"keepmum cost {number}").randbytes(1 << 20)


def constants(files: dict[str, float], large: dict[str, float]) -> dict[str, float]:
    """What one entry and one chunk take, in bytes."""
    small, chunks = files["chunk pieces"], large["chunk pieces"]
    return {
        "entry": files["tree bytes"] / files["entries"],
        "index": files["index bytes"] / small,
        "table": files.get("table bytes in data", 0) / small,
        "catalogue": files["catalogue"] / files["entries"],
        "rebuilt": files["rebuilt"] / files["entries"],
        "average": large["length"] / chunks,
        "list of large": large.get("list bytes", 0) / chunks,
        "index of large": large["index bytes"] / chunks,
        "table of large": large["table bytes in data"] / chunks,
        "catalogue of large": large["catalogue"] / chunks,
        "seal": large["seal bytes"] / large["sealed"],
        "padding": _padding(large) / large["sealed"],
        "padding of small": _padding(files) / files["sealed"],
    }


def _padding(figures: dict[str, float]) -> float:
    return sum(value for name, value in figures.items() if name.startswith("padding bytes"))


def reckoned(files: dict[str, float], large: dict[str, float]) -> list[Line]:
    """All figures; the names in the formulas are those of the lines above them."""
    c = constants(files, large)
    chunks = large["chunk pieces"]
    parts = f"{c['list of large']:.1f} + {c['index of large']:.1f} + {c['table of large']:.1f} B"
    known = [
        ("entry, a file of one chunk", f"{c['entry']:.1f} B", "tree nodes ÷ entries; 32 are the chunk's id"),
        ("chunk in the index", f"{c['index']:.1f} B", "index ÷ chunks, small files; 32 are its id"),
        (
            "chunk in its object's table",
            f"{c['table']:.1f} B",
            "tables of data objects ÷ chunks, small files",
        ),
        ("average chunk of a large file", size(c["average"]), f"{chunks:,.0f} chunks of one file of noise"),
        ("chunk of a large file: list, index, table", parts, "as above, of that file"),
        ("sealing", f"{100 * c['seal']:.3f} %", "16 B each 16 KiB, 56 B each object"),
        ("padding: large file", f"{100 * c['padding']:.2f} %", "zeros ÷ all that is stored"),
        (
            "padding: small files",
            f"{100 * c['padding of small']:.2f} %",
            "the same; it falls with the number of objects",
        ),
        ("catalogue, each entry of small files", f"{c['catalogue']:.0f} B", "database ÷ entries"),
        ("catalogue, each chunk of a large file", f"{c['catalogue of large']:.0f} B", "database ÷ chunks"),
        ("a run after one line: objects, bytes", _objects(files, 1), f"mean of {RUNS} runs"),
    ]
    return [Line(*words) for words in (*known, *_large_cases(files, c))]


def _large_cases(files: dict[str, float], c: dict[str, float]) -> list[tuple[str, str, str]]:
    """A million files, a terabyte, a thousand days: on paper."""
    million, tera = 1e6, 1e12 / c["average"]
    of_file = c["entry"] + c["index"] + c["table"]
    of_chunk = c["list of large"] + c["index of large"] + c["table of large"]
    lost = "10⁶ × (run with it lost − the same with one file − run without a change) ÷ entries"
    days = "1,000 × a run, beside the first run's; `bench/scale --snapshots 1000` measures it"
    share = 100 * of_chunk / c["average"]
    return [
        ("10⁶ files: index", size(million * c["index"]), "10⁶ × chunk in the index"),
        ("10⁶ files: all metadata", size(million * of_file), "10⁶ × (entry + chunk in index and table)"),
        ("10⁶ files: catalogue", size(million * c["catalogue"]), "10⁶ × catalogue, each entry"),
        ("10⁶ files: catalogue made again", f"{million * c['rebuilt']:.1f} s", lost),
        ("1 TB of large files: chunks", f"{tera / 1e6:.1f} million", "10¹² ÷ average chunk"),
        ("1 TB of large files: index", size(tera * c["index of large"]), "chunks × chunk in the index"),
        ("1 TB: all metadata", f"{size(tera * of_chunk)}, {share:.2f} %", "chunks × (list + index + table)"),
        ("1 TB: catalogue", size(tera * c["catalogue of large"]), "chunks × catalogue, each chunk"),
        ("1,000 daily runs: objects, bytes", _objects(files, 1000), days),
    ]


def _objects(files: dict[str, float], runs: int) -> str:
    return f"{runs * files['objects a run']:,.0f}, {size(runs * files['bytes a run'])}"


def markdown(lines: list[Line], count: int, megabytes: int, version: str) -> str:
    """The table, with what it was measured on."""
    head = f"{count:,} files of 60 to 142 bytes of noise, {PER_FOLDER} in a folder, and one file of {megabytes} MiB of noise; {version}."
    rows = [f"| {line.name} | {line.value} | {line.formula} |" for line in lines]
    return "\n".join([head, "", "| | | formula |", "|---|---|---|", *rows, ""])


def main(words: list[str]) -> int:
    """The command line of `bench/cost`."""
    parser = argparse.ArgumentParser(
        prog="bench/cost", description="What the format costs; example: bench/cost --files 20000"
    )
    parser.add_argument("--files", type=int, default=100_000, help="small files (100000)")
    parser.add_argument("--mib", type=int, default=1024, help="MiB of the large file (1024)")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench" / "cost")
    parser.add_argument("--document", type=Path, help="a file whose marked block `cost` gets the table")
    parser.add_argument("--no-build", action="store_true", help="take the release binary as it is")
    given = parser.parse_args(words)
    if not given.no_build and not build():
        print("keepmum could not be built", file=sys.stderr)
        return 1
    work = given.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files, large = of_files(work, given.files), of_one(work, given.mib)
    shutil.rmtree(work)
    version = Keepmum().version() or ""
    with (work.parent / "cost.jsonl").open("a") as rows:
        rows.write(json.dumps({"version": version, "files": files, "large": large}) + "\n")
    text = markdown(reckoned(files, large), given.files, given.mib, version)
    if given.document:
        documents.fill(given.document, "cost", lambda _: text)
    else:
        print(text)
    return 0
