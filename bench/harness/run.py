"""The command line of `bench/run`: build, trees, measurements, report."""

import argparse
import shutil
import sys
from pathlib import Path

from harness import documents, report, steps
from harness.campaign import Campaign
from harness.floors import FLOORS
from harness.peers import PEERS
from harness.pictures import draw
from harness.rows import Rows
from harness.tools import ROOT, Keepmum, Tool, build
from harness.trash import Trash
from harness.trees import NAMES, Tree, find_or_make, known_as

DEFAULT = ("sysroot", "sources", "image", "random", "many", "versions")
ASKED = ("keepmum-fast", "keepmum-high")  # measured only when they are named
LEVELS = ["keepmum-fast", "keepmum", "keepmum-high"]


def every() -> list[Tool]:
    """All tools that the bench knows, in the order of the columns."""
    ours = [Keepmum(level) for level in ("fast", "default", "high")]
    return [*ours, *(peer() for peer in PEERS), *(floor() for floor in FLOORS)]


def arguments(words: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Measures keepmum, its peers and the floors; "
        "example: bench/run --tree sysroot --tools keepmum,restic --rounds 1",
    )
    parser.add_argument(
        "--tree",
        action="append",
        metavar="NAME|PATH",
        help=f"{', '.join(NAMES)}, or a folder; may be repeated",
    )
    parser.add_argument("--tools", help="of " + ", ".join(tool.name for tool in every()))
    parser.add_argument("--steps", help="of " + ", ".join(steps.NAMES))
    parser.add_argument("--rounds", type=int, default=None, help="3, or 1 with --quick")
    parser.add_argument(
        "--quick", action="store_true", help="one round, the tree `sources`, small generated trees"
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "target" / "bench", help="work folder (target/bench)"
    )
    parser.add_argument("--markdown", type=Path, help="where the tables go (standard output)")
    parser.add_argument("--charts", type=Path, metavar="DIR", help="where the SVG charts go (none are made)")
    parser.add_argument("--readme", type=Path, help="a file whose marked blocks get the short tables")
    parser.add_argument(
        "--document", type=Path, help="a file whose marked blocks get the whole tables and the charts"
    )
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for one command (3600)")
    parser.add_argument("--no-build", action="store_true", help="take the release binary as it is")
    parser.add_argument(
        "--fresh", action="store_true", help="forget all copies, repositories and figures first"
    )
    parser.add_argument("--report-only", action="store_true", help="measure nothing")
    given = parser.parse_args(words)
    given.rounds = given.rounds or (1 if given.quick else 3)
    names = [tool.name for tool in every()]
    given.tools = given.tools.split(",") if given.tools else [name for name in names if name not in ASKED]
    given.steps = given.steps.split(",") if given.steps else steps.NAMES
    if unknown := set(given.steps) - set(steps.NAMES):
        parser.error(f"unknown steps: {', '.join(sorted(unknown))}")
    if unknown := set(given.tools) - set(names):
        parser.error(f"unknown tools: {', '.join(sorted(unknown))}")
    return given


def installed(given: argparse.Namespace) -> dict[Tool, str]:
    """The chosen tools that are there, with their versions; the others are named."""
    found: dict[Tool, str] = {}
    for tool in every():
        if tool.name not in given.tools:
            continue
        version = tool.version()
        if version:
            found[tool] = version
        else:
            print(f"{tool.name}: not installed, left out", file=sys.stderr)
    return found


def enough_room(tree: Tree, work: Path, tools: int) -> bool:
    """Whether the disk can hold the copy, and of each tool a repository and a restore."""
    need = tree.bytes * (1 + 2 * tools)
    free = shutil.disk_usage(work).free
    if need > free:
        print(
            f"{tree.name}: needs up to {need / 1e9:.0f} GB in {work}, {free / 1e9:.0f} GB are free; left out",
            file=sys.stderr,
        )
    return need <= free


def main(words: list[str]) -> int:
    """Everything; 1 when a tool failed at something."""
    given = arguments(words)
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if given.fresh:
        trash = Trash(work)
        for name in ("copies", "runs", "restored", "logs"):
            trash.drop(work / name)
        trash.empty()
        (work / "rows.jsonl").unlink(missing_ok=True)
    ours = any(name.startswith("keepmum") or name == "bare" for name in given.tools)
    if ours and not (given.no_build or given.report_only) and not build():
        print("keepmum could not be built; --no-build measures without it", file=sys.stderr)
        return 1
    rows = Rows(work / "rows.jsonl")
    tools = installed(given)
    asked = given.tree or (["sources"] if given.quick else DEFAULT)
    if given.report_only:
        names = [known_as(name, given.quick) for name in asked]
    else:
        trees = [find_or_make(name, work, given.quick) for name in asked]
        names = [tree.name for tree in trees]
        for tree in trees:
            if enough_room(tree, work, len(tools)):
                Campaign(tree, tools, given.steps, given.rounds, work, rows, given.timeout).run()
    kinds = {tool.name: tool.kind for tool in every() if tool.name in given.tools}
    publish(given, rows, names, kinds)
    cells = [cell for name in names for cell in rows.medians(name, [t.name for t in tools]).values()]
    return 0 if all(cell["ok"] for cell in cells) else 1


def publish(given: argparse.Namespace, rows: Rows, names: list[str], kinds: dict[str, str]) -> None:
    """The tables and charts, wherever they were asked for."""
    text = report.markdown(rows, names, kinds)
    if given.markdown:
        given.markdown.write_text(text)
    elif not (given.readme or given.document):
        print(text)
    if given.document:
        given.charts = given.charts or given.document.parent / "charts"
    pictures = draw(rows, names, kinds, given.charts) if given.charts else []
    for path in pictures:
        print(path, file=sys.stderr)

    def cells(tree: str, tools: list[str]) -> documents.Cells:
        return rows.medians(tree, tools) if tree in names else {}

    def short(tree: str) -> str | None:
        found = cells(tree, list(kinds))
        return documents.summary(tree, found, kinds) if found else None

    def whole(tree: str) -> str | None:
        found = cells(tree, list(kinds))
        charts = documents.relative(pictures, tree, given.document)
        return documents.section(tree, found, kinds, charts) if found else None

    def levels(tree: str) -> str | None:
        compared = {step for step, tool in cells(tree, LEVELS) if tool in ASKED}
        found = {key: cell for key, cell in cells(tree, LEVELS).items() if key[0] in compared}
        return report.table(found, dict.fromkeys(LEVELS, "keepmum")) if found else None

    if given.readme:
        documents.fill(given.readme, "figures", short)
    if given.document:
        documents.fill(given.document, "figures", whole)
        if any(row["tool"] in ASKED for row in rows.rows.values()):
            documents.fill(given.document, "levels", levels)
