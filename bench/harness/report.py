"""The figures as Markdown tables."""

import os
import platform
from pathlib import Path

from harness.rows import Row, Rows
from harness.steps import TITLES, title

LEGEND = (
    "Medians of all rounds. A cell reads: wall time (× the fastest peer's), CPU time, the time of a `sync` "
    "afterwards (+) if it is a tenth of the wall time or more, bytes in new or "
    "changed files of the destination / number of those files, files deleted there (−), peak memory of "
    "the largest process. kB and MB are decimal. Floors (cp, find, tar and zstd, bare) encrypt nothing "
    "and are not peers."
)
FLUSH = 0.1  # of the wall time: what a tool left to the kernel is told from here on


def size(number: float) -> str:
    """Bytes for people; exact below 10 kB, where one object more or less shows."""
    if number < 10_000:
        return f"{number:,.0f} B"
    if number < 1_000_000:
        return f"{number / 1e3:,.0f} kB"
    return f"{number / 1e6:,.1f} MB" if number < 1e7 else f"{number / 1e6:,.0f} MB"


def seconds(number: float) -> str:
    """Seconds with the digits that a repeat would bear out."""
    return f"{number:.2f} s" if number < 10 else f"{number:.1f} s"


def markdown(rows: Rows, trees: list[str], kinds: dict[str, str]) -> str:
    """One table for each tree; `kinds` maps a tool's name to its kind, in column order."""
    parts = [f"# Benchmark\n\n{machine()} {LEGEND}\n"]
    for tree in trees:
        cells = rows.medians(tree, list(kinds))
        if cells:
            parts.append(f"## {tree}\n\n{table(cells, kinds)}")
    return "\n".join(parts)


def machine() -> str:
    """What was measured on, as far as it matters and identifies nobody."""
    model = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB of memory, {system}, page cache warm."


def table(cells: dict[tuple[str, str], Row], kinds: dict[str, str]) -> str:
    """The medians of one tree, steps by tools, with what they are medians of."""
    steps = order(cells)
    tools = [tool for tool in kinds if any((step, tool) in cells for step in steps)]
    some = next(iter(cells.values()))
    rounds = sorted({row["rounds"] for row in cells.values()})
    versions = ", ".join(
        dict.fromkeys(next(r["version"] for (_, t), r in cells.items() if t == tool) for tool in tools)
    )
    count = f"{rounds[0]} to {rounds[-1]} rounds" if len(rounds) > 1 else f"rounds: {rounds[0]}"
    lines = [
        f"{some['tree_entries']:,} entries, {size(some['tree_bytes'])}; {count}; {versions}.\n",
        "| step | " + " | ".join(tool.replace("|", "\\|") for tool in tools) + " |",
        "|---" * (len(tools) + 1) + "|",
    ]
    for step in steps:
        best = fastest(step, cells, kinds)
        texts = [_cell(cells.get((step, tool)), best) for tool in tools]
        lines.append(f"| {title(step)} | " + " | ".join(texts) + " |")
    series = [step for step in steps if step.startswith("version-")]
    for step in ["first", *series[-1:]]:
        when = "last version" if step in series else "first run"
        texts = [_stored(cells.get((step, tool))) for tool in tools]
        if set(texts) != {"–"}:
            lines.append(f"| stored after the {when} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def _stored(row: Row | None) -> str:
    """What the destination holds, in how many files."""
    if row is None or not row["ok"] or not row["stored_files"]:
        return "–"
    return f"{size(row['stored_bytes'])} / {row['stored_files']:,.0f}"


def order(cells: dict[tuple[str, str], Row]) -> list[str]:
    """The steps that occur, in the order in which they run."""
    known = list(TITLES)
    found = {step for step, _ in cells}
    return sorted(
        found, key=lambda step: (known.index(step) if step in known else known.index("insert") + 0.5, step)
    )


def fastest(step: str, cells: dict[tuple[str, str], Row], kinds: dict[str, str]) -> float | None:
    """The best peer's wall time at a step, among those that did it rightly."""
    return min(
        (
            row["wall"]
            for (s, tool), row in cells.items()
            if s == step and row["ok"] and kinds.get(tool) == "peer"
        ),
        default=None,
    )


def _cell(row: Row | None, best: float | None) -> str:
    if row is None:
        return "–"
    if not row["ok"]:
        return f"**failed**: {row['reason']}".replace("|", "\\|")
    parts = [
        seconds(row["wall"]) + (f" (×{row['wall'] / best:.2f})" if best else ""),
        f"cpu {seconds(row['user'] + row['sys'])}",
    ]
    if row["flush"] >= FLUSH * row["wall"]:
        parts.append(f"+{seconds(row['flush'])} to disk")
    if row["new_files"]:
        parts.append(f"{size(row['new_bytes'])} / {row['new_files']:,.0f}")
    if row["deleted_files"]:
        parts.append(f"−{row['deleted_files']:,.0f}")
    return ", ".join([*parts, size(row["peak"])])
