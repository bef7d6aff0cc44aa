"""What grows with what: snapshots, entries, chunks, and a first run that is killed.

Only keepmum is measured here. Every figure comes from the destination's files,
the catalogue's size and `wait4`, as in `measure.py`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from harness.measure import Command, Cost, listing, measure
from harness.python import READER, python
from harness.tools import ROOT, Keepmum, Place, build

TIMEOUT = 3600
KILLED_AT = 0.9


class Bench:
    """One repository in a folder of its own, and commands on it."""

    def __init__(self, folder: Path, source: Path, binary: Path | None = None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.place = Place(folder, source)
        self.tool = Keepmum(binary=binary)
        self.run(self.tool.prepare(self.place))

    def run(self, commands: list | None) -> Cost:
        """Runs and measures; a failure ends the bench."""
        log = self.place.folder / "log"
        cost = measure(commands or [], self.place.home, log, TIMEOUT)
        if not cost.ok:
            raise SystemExit(f"{cost.reason}: {commands}\n{log.read_text(errors='replace')[-2000:]}")
        return cost

    def backup(self) -> Cost:
        """One run."""
        return self.run(self.tool.backup(self.place, ""))

    def bare(self, *words: str) -> Cost:
        """A command that knows the destination and the password only."""
        known = [
            "--from",
            str(self.place.destination),
            "--password-file",
            str(self.place.folder / "password"),
        ]
        return self.run([Command([str(self.tool.binary), *words, *known])])

    def stored(self) -> tuple[int, int]:
        """Bytes and files of the destination."""
        files = listing(self.place.destination)
        return sum(size for size, _ in files.values()), len(files)

    def catalogue(self) -> int:
        """Bytes of the local folder."""
        return sum(size for size, _ in listing(self.place.local).values())

    def lose_catalogue(self) -> None:
        """As a new machine would find it."""
        shutil.rmtree(self.place.local / "db", ignore_errors=True)


def write_tree(root: Path, entries: int, per_folder: int, size: Callable[[int], int]) -> int:
    """Files of noise that does not compress; answers with how many bytes they hold."""
    noise = random.Random(entries)
    total = 0
    for number in range(entries):
        folder = root / f"folder-{number // per_folder:05}"
        if number % per_folder == 0:
            folder.mkdir(parents=True)
        content = noise.randbytes(size(number))
        (folder / f"file-{number:07}.txt").write_bytes(content)
        total += len(content)
    return total


def snapshots(work: Path, count: int) -> dict:
    """`count` runs, each after one change: what the first cost, and what the last."""
    source = work / "source"
    write_tree(source, 2_000, 50, lambda _: 2_000)
    bench = Bench(work / "snapshots", source)
    bench.backup()
    walls, peaks, sizes = [], [], []
    before = bench.stored()
    for number in range(count - 1):
        changed = source / f"folder-{number % 40:05}" / f"file-{number % 40 * 50:07}.txt"
        with changed.open("a") as out:
            out.write(f"line {number} of what is appended\n")
        cost = bench.backup()
        after = bench.stored()
        walls.append(cost.wall)
        peaks.append(cost.peak)
        sizes.append(after[0] - before[0])
        before = after
    few = max(1, min(20, count // 4))
    nochange = bench.backup()
    listed = bench.bare("snapshots")
    one = work / "one"
    shutil.rmtree(one, ignore_errors=True)
    path = "folder-00007/file-0000350.txt"
    with_catalogue = bench.run(bench.tool.restore_one(bench.place, path, one / "a", bare=False))
    without = bench.run(bench.tool.restore_one(bench.place, path, one / "b", bare=True))
    catalogue = bench.catalogue()
    bench.lose_catalogue()
    return {
        "snapshots": count,
        "run at the beginning, s": statistics.median(walls[:few]),
        "run at the end, s": statistics.median(walls[-few:]),
        "run without a change at the end, s": nochange.wall,
        "peak of a run at the end, MB": max(peaks[-few:]) / 1e6,
        "stored by a run, median, bytes": statistics.median(sizes),
        "stored by a run, most, bytes": max(sizes),
        "objects": bench.stored()[1],
        "stored in all, MB": bench.stored()[0] / 1e6,
        "catalogue, MB": catalogue / 1e6,
        "snapshots listed on a new device, s": listed.wall,
        "one file restored with the catalogue, s": with_catalogue.wall,
        "one file restored on a new device, s": without.wall,
        "next run with the catalogue lost, s": bench.backup().wall,
    }


def killed(work: Path, source: Path) -> dict:
    """A first run that is killed when 90 % is stored, then run again."""
    whole = Bench(work / "whole", source)
    empty = whole.stored()[0]
    whole.backup()
    wanted = whole.stored()[0] - empty
    shutil.rmtree(whole.place.folder)
    figures = {"source": source.name, "first run, MB": wanted / 1e6}
    for lost in (False, True):
        bench = Bench(work / "killed", source)
        [command] = bench.tool.backup(bench.place, "")
        run = subprocess.Popen(command.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while run.poll() is None and bench.stored()[0] - empty < KILLED_AT * wanted:
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
        run.wait()
        at = bench.stored()[0] - empty
        if lost:
            bench.lose_catalogue()
        bench.backup()
        more = (bench.stored()[0] - empty) / wanted - 1
        when = "catalogue lost too" if lost else "catalogue kept"
        figures[f"killed at, {when}, %"] = 100 * at / wanted
        figures[f"stored more in all, {when}, %"] = 100 * more
        shutil.rmtree(bench.place.folder)
    return figures


def entries(work: Path, count: int) -> dict:
    """Many small files: metadata and catalogue for each, and what a lost catalogue costs."""
    source = work / "entries-source"
    content = write_tree(source, count, 100, lambda _: 100)
    bench = Bench(work / "entries", source)
    empty = bench.stored()[0]
    first = bench.backup()
    stored = bench.stored()[0] - empty
    nochange = bench.backup()
    catalogue = bench.catalogue()
    target = work / "entries-target"
    shutil.rmtree(target, ignore_errors=True)
    restored = bench.run(bench.tool.restore(bench.place, target))
    shutil.rmtree(target)
    bench.lose_catalogue()
    rebuilt = bench.backup()
    again = bench.stored()[0] - empty
    shutil.rmtree(source)
    return {
        "files": count,
        "metadata for each file, bytes": (stored - content) / count,
        "catalogue for each file, bytes": catalogue / count,
        "first run for each file, µs": first.wall / count * 1e6,
        "first run, peak, MB": first.peak / 1e6,
        "run without a change for each file, µs": nochange.wall / count * 1e6,
        "run without a change, peak, MB": nochange.peak / 1e6,
        "restore for each file, µs": restored.wall / count * 1e6,
        "restore, peak, MB": restored.peak / 1e6,
        "run with the catalogue lost for each file, µs": rebuilt.wall / count * 1e6,
        "run with the catalogue lost, peak, MB": rebuilt.peak / 1e6,
        "stored by it, bytes": again - stored,
    }


def chunks(work: Path, megabytes: int) -> dict:
    """One large file that does not compress: index and lists for each chunk."""
    source = work / "chunks-source"
    source.mkdir(parents=True, exist_ok=True)
    noise = random.Random(megabytes)
    with (source / "noise").open("wb") as out:
        for _ in range(megabytes):
            out.write(noise.randbytes(1 << 20))
    length = megabytes << 20
    bench = Bench(work / "chunks", source)
    empty = bench.stored()[0]
    bench.backup()
    bytes_, files = bench.stored()
    more = bytes_ - empty - length
    catalogue = bench.catalogue()
    shutil.rmtree(source)
    of_average = length / 65536
    return {
        "MiB": megabytes,
        "objects": files,
        "more than the content, %": 100 * more / length,
        "more for each 64 KiB, bytes": more / of_average,
        "catalogue for each 64 KiB, bytes": catalogue / of_average,
    }


def objects(work: Path, count: int) -> dict:
    """A run without a change beside `count` objects at the destination."""
    source = work / "source"
    write_tree(source, 100, 50, lambda _: 2_000)
    bench = Bench(work / "objects", source)
    bench.backup()
    catalogue = next((bench.place.local / "db").glob("*.sqlite"))
    known = [READER, bench.place.destination, bench.place.folder / "password", catalogue, count]
    strew = [python(), Path(__file__).with_name("strew.py"), *known]
    subprocess.run([str(word) for word in strew], check=True)
    bench.backup()
    costs = [bench.backup() for _ in range(5)]
    return {
        "objects": count,
        "run without a change, s": statistics.median(cost.wall for cost in costs),
        "its processor time, s": statistics.median(cost.user + cost.sys for cost in costs),
        "peak, MB": max(cost.peak for cost in costs) / 1e6,
    }


def markdown(title: str, figures: dict) -> str:
    """One table of one measurement."""
    rows = [f"| {name} | {_figure(value)} |" for name, value in figures.items()]
    return "\n".join([f"**{title}**", "", "| | |", "|---|---|", *rows, ""])


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main(words: list[str]) -> int:
    """Measures what was asked for, prints tables, and appends each figure to a file of rows."""
    parser = argparse.ArgumentParser(prog="bench/scale", description=__doc__)
    parser.add_argument("--snapshots", type=int, metavar="N", help="N runs, each after one change")
    parser.add_argument("--killed", type=Path, metavar="PATH", help="a first run of PATH, killed at 90 %%")
    parser.add_argument("--entries", type=int, metavar="N", action="append", help="N small files")
    parser.add_argument("--chunks", type=int, metavar="MIB", help="one file of so many MiB")
    parser.add_argument("--objects", type=int, metavar="N", help="N objects at the destination")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench" / "scale")
    parser.add_argument("--no-build", action="store_true", help="take the release binary as it is")
    given = parser.parse_args(words)
    given.work = given.work.resolve()
    if not given.no_build and not build():
        print("keepmum could not be built", file=sys.stderr)
        return 1
    shutil.rmtree(given.work, ignore_errors=True)
    given.work.mkdir(parents=True)
    wanted: list[tuple[str, Callable[[], dict]]] = []
    if given.snapshots:
        wanted.append(("snapshots", lambda: snapshots(given.work, given.snapshots)))
    if given.killed:
        wanted.append(("killed", lambda: killed(given.work, given.killed.resolve())))
    for count in given.entries or []:
        wanted.append(("entries", lambda count=count: entries(given.work, count)))
    if given.chunks:
        wanted.append(("chunks", lambda: chunks(given.work, given.chunks)))
    if given.objects:
        wanted.append(("objects", lambda: objects(given.work, given.objects)))
    with (given.work.parent / "scale.jsonl").open("a") as rows:
        for title, work in wanted:
            figures = work()
            rows.write(json.dumps({"what": title, "version": Keepmum().version(), **figures}) + os.linesep)
            print(markdown(title, figures), flush=True)
    shutil.rmtree(given.work, ignore_errors=True)
    return 0
