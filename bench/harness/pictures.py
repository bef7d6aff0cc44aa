"""The charts of a tree: time, upload and memory, from the same medians as its table."""

from pathlib import Path

from harness.charts import Bar, Panel, chart
from harness.report import order, seconds, size
from harness.rows import Row, Rows
from harness.steps import title

CHARTS = (
    (
        "time",
        "wall time",
        "wall",
        "own",
        "each step has its own scale; outlined: floors, which encrypt nothing",
    ),
    (
        "upload",
        "bytes to upload",
        "new_bytes",
        "log",
        "new and changed files of the destination; logarithmic",
    ),
    ("memory", "peak memory", "peak", "common", "of the largest process; one scale for all steps"),
)


def draw(rows: Rows, trees: list[str], kinds: dict[str, str], folder: Path) -> list[Path]:
    """Writes the charts of every tree that has figures; answers with their files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for tree in trees:
        cells = rows.medians(tree, list(kinds))
        for name, what, figure, scale, note in CHARTS:
            panels = [panel(step, figure, cells, kinds) for step in order(cells)]
            if any(panel.bars for panel in panels):
                path = folder / f"{tree}-{name}.svg"
                path.write_text(chart(f"{tree}: {what}, less is better", note, panels, scale))
                made.append(path)
    return made


def panel(step: str, figure: str, cells: dict[tuple[str, str], Row], kinds: dict[str, str]) -> Panel:
    """One step's bars in the order of the columns; without bars when it says nothing."""
    text = seconds if figure == "wall" else size
    bars = []
    for tool, kind in kinds.items():
        row = cells.get((step, tool))
        if row is None or (kind == "floor" and figure != "wall"):
            continue
        if not row["ok"]:
            bars.append(Bar(tool, kind, None, "failed"))
        elif not row[figure]:
            bars.append(Bar(tool, kind, None, "nothing"))
        else:
            bars.append(Bar(tool, kind, row[figure], text(row[figure])))
    return Panel(title(step), bars if any(bar.value for bar in bars) else [])
