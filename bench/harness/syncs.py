"""Whether the tools are measured alike in durability: who waits for the disk, and how often.

Each tool's first run and restore is watched with `strace` on a small tree. The
calls are counted, never timed, because a watched process is many times slower.
"""

import argparse
import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from harness.measure import Command, listing, measure
from harness.run import every
from harness.tools import ROOT, Place, Tool
from harness.trees import find_or_make, remove

CALLS = ("fsync", "fdatasync", "syncfs", "sync", "sync_file_range", "msync")
SEEN = re.compile(r"\b(" + "|".join(CALLS) + r")\(|\b(O_D?SYNC)\b")
TIMEOUT = 600


def counted(trace: str) -> Counter[str]:
    """The calls of a trace that wait for the disk; a call that was interrupted counts once."""
    return Counter(match[1] or "opened with " + match[2] for match in SEEN.finditer(trace))


def watched(commands: list[Command], place: Place) -> Counter[str] | str:
    """What the commands called; or why they failed."""
    trace = place.folder / "trace"
    calls = ",".join((*CALLS, "openat", "open"))
    strace = ["strace", "-f", "-qq", "-A", "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none"]
    trace.unlink(missing_ok=True)
    longer = [replace(command, argv=[*strace, *command.argv]) for command in commands]
    cost = measure(longer, place.home, place.folder / "log", TIMEOUT)
    return counted(trace.read_text(errors="replace")) if cost.ok else cost.reason


def row(tool: Tool, source: Path, work: Path) -> str:
    """A tool's line of the table."""
    place = Place(work / "".join(c if c.isalnum() else "-" for c in tool.name), source)
    target = place.folder / "restored"
    place.folder.mkdir(parents=True)
    target.mkdir()
    cost = measure(tool.prepare(place), place.home, place.folder / "log", TIMEOUT)
    if not cost.ok:
        return f"| {tool.name} | {cost.reason} | | |"
    before = listing(place.destination)
    first = watched(tool.backup(place, "first") or [], place)
    place.label = "first"
    files = len(listing(place.destination).keys() - before.keys())
    commands = tool.restore(place, target)
    restored = watched(commands, place) if commands else "–"
    name = tool.name.replace("|", "\\|")
    return f"| {name} | {_text(first)} | {files:,} | {_text(restored)} |"


def _text(calls: Counter[str] | str) -> str:
    if isinstance(calls, str):
        return calls
    return ", ".join(f"{count:,} {name}" for name, count in sorted(calls.items())) or "none"


def main(words: list[str]) -> int:
    """The command line of `bench/syncs`."""
    parser = argparse.ArgumentParser(
        prog="bench/syncs", description="Who waits for the disk; example: bench/syncs --tree crates"
    )
    parser.add_argument(
        "--tree", default=str(ROOT / "crates"), metavar="NAME|PATH", help="a small tree (crates)"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench")
    given = parser.parse_args(words)
    if shutil.which("strace") is None:
        print("strace is not installed (Debian: apt-get install strace)", file=sys.stderr)
        return 1
    tree = find_or_make(given.tree, given.work.resolve())
    work = given.work.resolve() / "syncs"
    remove(work)
    print(f"{tree.entries:,} entries, {tree.bytes:,} bytes\n")
    print("| tool | first run | new files | restore |\n|---|---|---|---|")
    for tool in every():
        if tool.version() and tool.fits(tree.first, "first") and "keepmum-" not in tool.name:
            print(row(tool, tree.first, work), flush=True)
    remove(work)
    return 0
