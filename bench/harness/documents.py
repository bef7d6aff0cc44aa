"""Writes figures into documents, between marks, so that nobody copies one by hand.

A block begins with a line `<!-- KIND: begin NAME -->` (more words may follow
after a semicolon) and ends with `<!-- KIND: end -->`; what lies between belongs
to the bench and is replaced, all else is left as it is. Kinds: `figures` and
`levels` of a tree, `profile` of a tree, `cost`.
"""

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

from harness import report
from harness.pictures import CHARTS
from harness.rows import Row
from harness.steps import NAMES

WIDTH = 100
Cells = dict[tuple[str, str], Row]
BLOCK = (
    r"^(?P<begin><!-- {kind}: begin (?P<name>[^\s;]+)[^\n]*-->\n)(?P<text>.*?)(?P<end>^<!-- {kind}: end -->$)"
)
TREES = {
    "sysroot": "The Rust toolchain's sysroot",
    "sources": "The unpacked package sources of cargo",
    "image": "A 2 GiB image of real files",
    "random": "2 GiB that do not compress",
    "many": "200,000 tiny files",
    "many-million": "1,000,000 tiny files",
    "versions": "Successive releases of one source tree",
}
SUMMARY: tuple[tuple[str, str, str], ...] = (
    ("first run", "first", "wall"),
    ("its stored size", "first", "stored"),
    ("run without a change", "nochange", "wall"),
    ("bytes stored after 40 bytes were appended to a small text file", "oneline", "new_bytes"),
    ("bytes stored after a top folder was renamed", "rename", "new_bytes"),
    ("bytes stored after 100 random 4 KiB writes", "writes", "new_bytes"),
    ("bytes stored after 5 bytes were inserted near the front", "insert", "new_bytes"),
    ("restore of everything", "restore", "wall"),
    ("restore of one file", "one", "wall"),
    ("restore of one file on a new device", "one-bare", "wall"),
    ("check with data", "check", "wall"),
    ("memory, first run", "first", "peak"),
    ("memory, restore", "restore", "peak"),
)


def fill(path: Path, kind: str, text_of: Callable[[str], str | None]) -> list[str]:
    """Replaces each block of a kind for whose name there is a text; answers with those names."""
    filled = []

    def new(match: re.Match[str]) -> str:
        text = text_of(match["name"])
        if text is None:
            return match[0]
        filled.append(match["name"])
        return f"{match['begin']}{wrapped(text).rstrip()}\n{match['end']}"

    before = path.read_text()
    after = re.sub(BLOCK.format(kind=kind), new, before, flags=re.MULTILINE | re.DOTALL)
    if after != before:
        path.write_text(after)
    print(f"{path}: {kind} {', '.join(filled) or 'nowhere, no block is marked'}", file=sys.stderr)
    return filled


def wrapped(text: str) -> str:
    """Prose at the width of this project's documents; tables, pictures and code as they are."""
    lines, is_code = [], False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        free = is_code or line.startswith(("|", "!["))
        lines += [line] if free or len(line) <= WIDTH else textwrap.wrap(line, WIDTH, break_on_hyphens=False)
    return "\n".join(lines)


def summary(tree: str, cells: Cells, kinds: dict[str, str]) -> str:
    """The short table for a README: no floors, one figure in each cell."""
    tools = [t for t, kind in kinds.items() if kind != "floor" and any(tool == t for _, tool in cells)]
    lines = [
        f"{_about(tree, cells)}; medians of {_rounds(cells)}, {report.machine()} This command prints the table"
        " again (`bench/README.md` explains how the comparison stays fair, `doc/performance.md` lists missed"
        " goals):",
        "",
        *_command(tree, cells),
        "",
        "| work | " + " | ".join(tools) + " |",
        "|---" * (len(tools) + 1) + "|",
    ]
    for name, step, figure in SUMMARY:
        texts = [_figure(cells.get((step, tool)), figure) for tool in tools]
        if set(texts) != {"–"}:
            lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def section(tree: str, cells: Cells, kinds: dict[str, str], pictures: list[str]) -> str:
    """All that was measured on a tree: how, the whole table, the charts."""
    lines = [f"{_about(tree, cells)}. {report.machine()}", "", *_command(tree, cells), ""]
    lines += [report.LEGEND, "", report.table(cells, kinds)]
    for path in pictures:
        what = next(words for name, words, *_ in CHARTS if path.endswith(f"-{name}.svg"))
        lines.append(f"![{tree}: {what}]({path})")
    return "\n".join(lines) + "\n"


def relative(pictures: Iterable[Path], tree: str, document: Path) -> list[str]:
    """The charts of a tree as a document names them."""
    wanted = {f"{tree}-{name}.svg" for name, *_ in CHARTS}
    return [
        os.path.relpath(path.resolve(), document.resolve().parent) for path in pictures if path.name in wanted
    ]


def _about(tree: str, cells: Cells) -> str:
    some = next(iter(cells.values()))
    name = TREES.get(tree, f"The tree `{tree}`")
    return f"{name}, {some['tree_entries']:,} entries, {report.size(some['tree_bytes'])}"


def _rounds(cells: Cells) -> str:
    most = max(row["rounds"] for row in cells.values())
    return f"{most} interleaved rounds" if most > 1 else "one round"


def _command(tree: str, cells: Cells) -> list[str]:
    """The command that measures this again; a folder given by path has only a mark of it."""
    found = {"versions" if step.startswith("version-") else step for step, _ in cells}
    steps = ",".join(step for step in NAMES if step in found)
    rounds = max(row["rounds"] for row in cells.values())
    name = tree if tree in TREES else "PATH"
    return ["```", f"bench/run --tree {name} --rounds {rounds} --steps {steps}", "```"]


def _figure(row: Row | None, figure: str) -> str:
    if row is None:
        return "–"
    if not row["ok"]:
        return "failed"
    if figure == "wall":
        return report.seconds(row["wall"])
    if figure == "stored":
        return f"{report.size(row['stored_bytes'])} in {row['stored_files']:,.0f} files"
    return report.size(row[figure]) if row[figure] else "nothing"
