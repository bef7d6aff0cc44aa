"""Bar charts as SVG, without a library.

One panel for each step, two side by side, the tools always in the same order. A
style sheet within knows light and dark pages, and a background of its own keeps
it readable where a page and the browser's wish are not of one mind.
The same figures always give the same bytes, so that a change of a chart is a
change of a figure.
"""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLUMN, SPACE = 372, 24  # width of a panel, and what is between two
LEFT, RIGHT = 92, 72  # the tools' names, the figures
BAR, STEP, HEAD, FOOT = 11, 17, 26, 18  # a bar, a bar and its gap, a panel's title, what follows it
TOP = 58  # title and note of the whole
LEAST = 100.0  # where a logarithmic axis begins, in bytes
MARKS = ((1e3, "1 kB"), (1e6, "1 MB"), (1e9, "1 GB"))
EDGE = 16  # around the whole
LIGHT = {
    "w": "#ffffff",
    "t": "#1f2328",
    "m": "#59636e",
    "k": "#12805c",
    "p": "#8aa0c8",
    "f": "#8b949e",
    "g": "#d1d9e0",
}
DARK = {
    "w": "#0d1117",
    "t": "#e6edf3",
    "m": "#9198a1",
    "k": "#2eb67d",
    "p": "#7187b5",
    "f": "#8b949e",
    "g": "#3d444d",
}
CLASSES = {"keepmum": "k", "peer": "p", "floor": "f"}


@dataclass
class Bar:
    """One tool's bar; `label` is the figure as text. Without a value there is only the label."""

    tool: str
    kind: str
    value: float | None
    label: str


@dataclass
class Panel:
    """One step; an empty one is left out."""

    title: str
    bars: list[Bar]


def chart(title: str, note: str, panels: list[Panel], scale: str) -> str:
    """The SVG text of one chart.

    `scale` is "own" (every panel ends at its largest value), "common" (all end at the
    largest of all) or "log" (common, logarithmic, bytes).
    """
    panels = [panel for panel in panels if panel.bars]
    most = max((bar.value or 0 for panel in panels for bar in panel.bars), default=0)
    body, top = [], TOP
    for at in range(0, len(panels), 2):
        pair = panels[at : at + 2]
        for side, panel in enumerate(pair):
            body += _panel(panel, side * (COLUMN + SPACE), top, scale, most)
        top += HEAD + STEP * max(len(panel.bars) for panel in pair) + FOOT
    width, top = COLUMN * 2 + SPACE + 2 * EDGE, top - FOOT + 2 * EDGE + 6
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-EDGE} {-EDGE} {width} {top}" width="{width}" height="{top}" '
            f'role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            _style(),
            f'<rect class="w" x="{-EDGE}" y="{-EDGE}" width="{width}" height="{top}" rx="8"/>',
            f'<text class="t h" y="20">{escape(title)}</text>',
            f'<text class="m" y="40">{escape(note)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _style() -> str:
    """Text, bars and lines on light pages, then on dark ones."""

    def rules(colours: dict[str, str]) -> str:
        fills = "".join(f".{name}{{fill:{colours[name]}}}" for name in "wtmkp")
        strokes = f".f{{stroke:{colours['f']}}}.g{{stroke:{colours['g']}}}.v{{stroke:{colours['w']}}}"
        return fills + strokes

    fixed = (
        "text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif}.h{font-size:16px;font-weight:600}"
        ".b{font-weight:600}.e{text-anchor:end}.c{text-anchor:middle;font-size:10px}.f{fill:none}.v{paint-order:stroke;stroke-width:4px}"
    )
    return f"<style>{fixed}{rules(LIGHT)}@media(prefers-color-scheme:dark){{{rules(DARK)}}}</style>"


def _panel(panel: Panel, left: int, top: int, scale: str, most: float) -> list[str]:
    """A heading, the marks of a logarithmic axis, and the bars."""
    lines = [f'<text class="t b" x="{left}" y="{top + 14}">{escape(panel.title)}</text>']
    start, room = left + LEFT, COLUMN - LEFT - RIGHT
    bottom = top + HEAD + STEP * len(panel.bars)
    if scale == "own":
        most = max(bar.value or 0 for bar in panel.bars)
    for value, label in MARKS if scale == "log" else ():
        if LEAST < value < most:
            x = start + room * _share(value, most, scale)
            lines.append(f'<path class="g" d="M{x:.1f} {top + HEAD - 4}V{bottom - 2}"/>')
            lines.append(f'<text class="m c" x="{x:.1f}" y="{bottom + 8}">{label}</text>')
    for row, bar in enumerate(panel.bars):
        y = top + HEAD + row * STEP
        width = room * _share(bar.value, most, scale) if bar.value else 0.0
        ours = " b" if bar.kind == "keepmum" else ""
        lines.append(f'<text class="t e{ours}" x="{start - 6}" y="{y + 10}">{escape(bar.tool)}</text>')
        if bar.value:
            lines.append(
                f'<rect class="{CLASSES[bar.kind]}" x="{start}" y="{y}" width="{max(1.0, width):.1f}" height="{BAR}" rx="1"/>'
            )
        lines.append(
            f'<text class="t v{ours}" x="{start + width + 5:.1f}" y="{y + 10}">{escape(bar.label)}</text>'
        )
    return lines


def _share(value: float, most: float, scale: str) -> float:
    """How much of the room a value takes."""
    if scale != "log":
        return value / most if most else 0.0
    return max(0.0, math.log(value / LEAST) / math.log(max(most, 10 * LEAST) / LEAST)) if value > 0 else 0.0
