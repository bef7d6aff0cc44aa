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
from harness.report import size
from harness.scale import Bench, write_tree
from harness.tools import ROOT, Keepmum, build

READER = ROOT / "reader"
PER_FOLDER = 100
RUNS = 20


@dataclass
class Line:
    """One figure: its name, the figure as text, and where it comes from."""

    name: str
    value: str
    formula: str


def python() -> Path:
    """The Python with the reader's packages, made as `./test` makes it."""
    venv = ROOT / "target" / "venv"
    stamp, needs = venv / "ready", READER / "requirements.txt"
    if not stamp.exists() or stamp.stat().st_mtime < needs.stat().st_mtime:
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [
            str(venv / "bin" / "pip"),
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            str(needs),
        ]
        subprocess.run(pip, check=True)
        stamp.touch()
    return venv / "bin" / "python"


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


def of_files(work: Path, count: int) -> dict[str, float]:
    """Many small files of one chunk each; the catalogue, its loss, and small runs."""
    source = work / "source"
    write_tree(source, 1, 1, lambda _: 100)
    bench = Bench(work / "one", source)
    bench.backup()
    none = bench.catalogue()
    bench.lose_catalogue()
    fixed = bench.backup().wall
    shutil.rmtree(source)
    write_tree(source, count, PER_FOLDER, lambda _: 100)
    bench = Bench(work / "files", source)
    bench.backup()
    figures: dict[str, float] = dict(anatomy(bench))
    figures["entries"] = count + -(-count // PER_FOLDER)
    figures["catalogue"] = bench.catalogue() - none
    unchanged = bench.backup().wall
    bench.lose_catalogue()
    figures["rebuilt"] = max(0.0, bench.backup().wall - fixed - unchanged)
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


def reckoned(files: dict[str, float], large: dict[str, float]) -> list[Line]:
    """All figures; the names in the formulas are those of the lines above them."""
    entry = files["tree bytes"] / files["entries"]
    row = files["index bytes"] / files["chunk pieces"]
    table = files.get("table bytes in data", 0) / files["chunk pieces"]
    small = files["catalogue"] / files["entries"]
    chunks = large["chunk pieces"]
    average = large["length"] / chunks
    listed = large.get("list bytes", 0) / chunks
    row_large = large["index bytes"] / chunks
    table_large = large["table bytes in data"] / chunks
    seal = large["seal bytes"] / large["sealed"]
    padding = (
        sum(large.get(f"padding bytes in {kind}", 0) for kind in ("data", "meta", "record")) / large["sealed"]
    )
    row_cat = large["catalogue"] / chunks
    rebuild = files["rebuilt"] / files["entries"]
    tera = 1e12 / average
    million = 1_000_000
    each = listed + row_large + table_large
    return [
        Line(
            "entry, a file of one chunk",
            f"{entry:.1f} B",
            "tree nodes ÷ entries; 32 of them are the chunk's id",
        ),
        Line("chunk in the index", f"{row:.1f} B", "index ÷ chunks, small files"),
        Line("chunk in its object's table", f"{table:.1f} B", "tables of data objects ÷ chunks, small files"),
        Line("average chunk of a large file", size(average), f"{chunks:,.0f} chunks of one file of noise"),
        Line(
            "chunk of a large file: list, index, table",
            f"{listed:.1f} + {row_large:.1f} + {table_large:.1f} B",
            "as above, of that file",
        ),
        Line("sealing", f"{100 * seal:.3f} %", "16 B each 16 KiB, 56 B each object"),
        Line("padding of the large file", f"{100 * padding:.2f} %", "zeros ÷ all that is stored"),
        Line("catalogue, for each entry of small files", f"{small:.0f} B", "database ÷ entries"),
        Line("catalogue, for each chunk of a large file", f"{row_cat:.0f} B", "database ÷ chunks"),
        Line("10⁶ files of one chunk: index", size(million * row), "10⁶ × chunk in the index"),
        Line(
            "10⁶ files of one chunk: all metadata",
            size(million * (entry + row + table)),
            "10⁶ × (entry + chunk in the index + in a table)",
        ),
        Line("10⁶ files of one chunk: catalogue", size(million * small), "10⁶ × catalogue for each entry"),
        Line(
            "10⁶ files of one chunk: catalogue made again",
            f"{million * rebuild:.1f} s",
            "10⁶ × (run with it lost − the same with one file − run without a change) ÷ entries",
        ),
        Line("1 TB of large files: chunks", f"{tera / 1e6:.1f} million", "10¹² ÷ average chunk"),
        Line("1 TB of large files: index", size(tera * row_large), "chunks × chunk in the index"),
        Line(
            "1 TB of large files: all metadata",
            f"{size(tera * each)} ({100 * each / average:.2f} %)",
            "chunks × (list + index + table)",
        ),
        Line("1 TB of large files: catalogue", size(tera * row_cat), "chunks × catalogue for each chunk"),
        Line(
            "a run after one line: objects, bytes",
            f"{files['objects a run']:.1f}, {size(files['bytes a run'])}",
            f"mean of {RUNS} runs",
        ),
        Line(
            "1,000 daily runs: objects, bytes",
            f"{1000 * files['objects a run']:,.0f}, {size(1000 * files['bytes a run'])}",
            "1,000 × that, beside those of the first run; `bench/scale --snapshots 1000` measures it",
        ),
    ]


def markdown(lines: list[Line], count: int, megabytes: int, version: str) -> str:
    """The table, with what it was measured on."""
    head = f"{count:,} files of 100 bytes of noise, {PER_FOLDER} in a folder, and one file of {megabytes} MiB of noise; {version}."
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
