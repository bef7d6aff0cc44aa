"""What small changes upload: many runs in a row, each after one more change.

Every figure is what lies in the destination after a run and did not before it. The chains of
deltas grow and end meanwhile, so that the median is one of all runs and not of the first few.
"""

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.scale import Bench, write_tree
from harness.tools import ROOT, build

MIB = 1 << 20
LINE = b"one more line of forty bytes, no more..\n"
WORDS = [f"word{n}" for n in range(4_000)]
Change = Callable[[int], None]


@dataclass
class Work:
    """Makes a source and answers with what changes it before each run."""

    name: str
    most: int
    prepare: Callable[[Path, random.Random], Change]
    runs: int = 400


def text(dice: random.Random, length: int) -> bytes:
    """Lines of words."""
    lines, size = [], 0
    while size < length:
        line = " ".join(dice.choices(WORDS, k=12)) + "\n"
        lines.append(line)
        size += len(line)
    return "".join(lines).encode()[:length]


def append(path: Path, data: bytes) -> None:
    """Grows a file."""
    with path.open("ab") as out:
        out.write(data)


def appends(files: int, per_folder: int, each: int, of: int | None = None) -> Callable:
    """Files of two kB in folders; `each` of them grow before a run, out of all or of some."""

    def prepare(source: Path, dice: random.Random) -> Change:
        write_tree(source, files, per_folder, lambda _: 2_000)
        paths = sorted(path for path in source.rglob("*") if path.is_file())
        chosen = dice.sample(paths, of) if of else paths
        return lambda _: [append(path, LINE) for path in dice.sample(chosen, each)] and None

    return prepare


def system(source: Path, dice: random.Random) -> Change:
    """Folders of a system, with text files in them that grow."""
    source.mkdir(parents=True)
    for folder in ("/usr/lib/python3", "/usr/share/doc"):
        subprocess.run(["cp", "-a", folder, str(source / Path(folder).name)], check=True)
    paths = sorted(p for p in source.rglob("*") if p.is_file() and not p.is_symlink())
    return lambda _: append(dice.choice(paths), LINE)


def line_in_text(source: Path, dice: random.Random) -> Change:
    """A text of a MiB that gets a line in its middle."""
    source.mkdir(parents=True)
    path = source / "text.txt"
    path.write_bytes(text(dice, MIB))

    def change(_: int) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        lines.insert(dice.randrange(len(lines)), text(dice, 80) + b"\n")
        path.write_bytes(b"".join(lines))

    return change


def mailbox(source: Path, dice: random.Random) -> Change:
    """A mailbox of 100 MB that gets a message of 4 kB."""
    source.mkdir(parents=True)
    path = source / "mailbox"
    path.write_bytes(b"".join(text(dice, MIB) for _ in range(95)))

    def change(number: int) -> None:
        head = f"From somebody\nSubject: message {number}\nMessage-ID: <{dice.random()}>\n\n"
        append(path, head.encode() + text(dice, 4_000))

    return change


def database(source: Path, dice: random.Random) -> Change:
    """An SQLite file of 100 MB in which one row changes."""
    source.mkdir(parents=True)
    path = source / "data.sqlite"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE note(id INTEGER PRIMARY KEY, name TEXT, body TEXT)")
    rows = 190_000
    base.executemany(
        "INSERT INTO note VALUES(?, ?, ?)",
        ((n, f"note {n}", text(dice, 480).decode()) for n in range(rows)),
    )
    base.commit()
    base.close()

    def change(number: int) -> None:
        base = sqlite3.connect(path)
        row = dice.randrange(rows)
        base.execute("UPDATE note SET name = ? WHERE id = ?", (f"again {number}", row))
        base.commit()
        base.close()

    return change


def renames(source: Path, dice: random.Random) -> Change:
    """A top folder that gets another name, and edits beneath it."""
    write_tree(source / "top-0", 2_000, 50, lambda _: 2_000)
    write_tree(source / "other", 200, 50, lambda _: 2_000)

    def change(number: int) -> None:
        top = source / f"top-{number + 1}"
        (source / f"top-{number}").rename(top)
        paths = sorted(path for path in top.rglob("*") if path.is_file())
        for path in dice.sample(paths, 2):
            append(path, LINE)

    return change


def image(source: Path, dice: random.Random) -> Path:
    """A file of 2 GiB that does not compress."""
    source.mkdir(parents=True)
    path = source / "image"
    with path.open("wb") as out:
        for _ in range(2_048):
            out.write(dice.randbytes(MIB))
    return path


def writes(source: Path, dice: random.Random) -> Change:
    """100 blocks of 4 KiB at random places of 2 GiB."""
    path = image(source, dice)

    def change(_: int) -> None:
        with path.open("r+b") as out:
            for block in dice.sample(range(path.stat().st_size // 4_096), 100):
                out.seek(block * 4_096)
                out.write(dice.randbytes(4_096))

    return change


def insert(source: Path, dice: random.Random) -> Change:
    """5 bytes more near the front of 2 GiB: all that follows moves."""
    path = image(source, dice)

    def change(_: int) -> None:
        new = path.with_suffix(".new")
        with path.open("rb") as old, new.open("wb") as out:
            out.write(old.read(4_321) + b"12345")
            shutil.copyfileobj(old, out, MIB)
        os.replace(new, path)

    return change


WORKS = [
    Work("appends", 4_095, appends(2_000, 50, 4)),
    Work("append", 4_095, appends(20_000, 50, 1)),
    Work("system", 4_095, system),
    Work("hot", 4_095, appends(20_000, 50, 1, of=30)),
    Work("text", 8_191, line_in_text),
    Work("mailbox", 8_191, mailbox, runs=100),
    Work("sqlite", 8_191, database, runs=100),
    Work("renames", 8_191, renames),
    Work("writes", 600_000, writes, runs=5),
    Work("insert", 4_095, insert, runs=5),
]


def measured(work: Work, folder: Path, runs: int, binary: Path | None) -> list[tuple[int, int]]:
    """Bytes and objects that each run has stored."""
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    change = work.prepare(source, random.Random(work.name))
    bench = Bench(folder / "bench", source, binary)
    bench.backup()
    before, stored = bench.stored(), []
    for number in range(runs):
        change(number)
        bench.backup()
        after = bench.stored()
        stored.append((after[0] - before[0], after[1] - before[1]))
        before = after
    bench.run(bench.tool.check(bench.place))
    shutil.rmtree(folder)
    return stored


def main(words: list[str]) -> int:
    """Measures the works that are named, or all, and says which exceed what is asked of them."""
    parser = argparse.ArgumentParser(prog="bench/small", description=__doc__)
    parser.add_argument("works", nargs="*", help="names of works; all if none is given")
    parser.add_argument("--runs", type=int, help="so many instead of 400, or of fewer for large files")
    parser.add_argument("--binary", type=Path, help="instead of the release build")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench" / "small")
    options = parser.parse_args(words)
    if options.binary is None and not build():
        return 1
    chosen = [work for work in WORKS if not options.works or work.name in options.works]
    print("| work | runs | median | mean | most | objects | asked |\n|---|---|---|---|---|---|---|")
    misses = 0
    for work in chosen:
        runs = options.runs or work.runs
        stored = measured(work, options.work / work.name, runs, options.binary)
        sizes = [size for size, _ in stored]
        median, mean = statistics.median(sizes), statistics.mean(sizes)
        objects = statistics.mean(count for _, count in stored)
        misses += median > work.most
        figures = f"{median:,.0f} | {mean:,.0f} | {max(sizes):,} | {objects:.2f} | {work.most:,}"
        print(f"| {work.name} | {runs} | {figures} |", flush=True)
    return min(misses, 1)
