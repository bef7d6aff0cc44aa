"""Bar charts as SVG, without a library.

One panel for each step, each with a scale of its own, because a first run and a
run without a change differ a thousandfold. All colours have enough contrast on
white and on black, and the background is left clear, so one file serves both.
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 720, 96, 130  # the whole, the tools' names, the figures
BAR, GAP, HEAD, FOOT = 16, 5, 30, 14  # heights within a panel
COLOURS = {"keepmum": "#1f9e6e", "peer": "#7287b0", "floor": "#9a9a9a"}
TEXT = "#7a7a7a"
FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"


@dataclass
class Bar:
    """One tool's bar; `label` is the figure as text."""

    tool: str
    kind: str
    value: float
    label: str


@dataclass
class Panel:
    """One step; an empty one is left out."""

    title: str
    bars: list[Bar]


def chart(title: str, panels: list[Panel]) -> str:
    """The SVG text of one chart."""
    panels = [panel for panel in panels if panel.bars]
    body, top = [], 34
    for panel in panels:
        body += _panel(panel, top)
        top += HEAD + len(panel.bars) * (BAR + GAP) + FOOT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        f'width="{WIDTH}" height="{top}" role="img" font-family="{FONT}" font-size="13">'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}</title>",
            _text(0, 20, title, size=16, weight=600),
            *body,
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, top: int) -> list[str]:
    """A heading and its bars, shortest first."""
    lines = [_text(0, top + 20, panel.title, weight=600)]
    most = max(bar.value for bar in panel.bars) or 1
    room = WIDTH - LEFT - RIGHT
    for row, bar in enumerate(sorted(panel.bars, key=lambda bar: bar.value)):
        y = top + HEAD + row * (BAR + GAP)
        width = max(1.0, room * bar.value / most)
        colour = COLOURS[bar.kind]
        shape = 'fill="none" stroke-width="1.5"' if bar.kind == "floor" else f'fill="{colour}"'
        weight = 600 if bar.kind == "keepmum" else 400
        lines += [
            _text(LEFT - 8, y + 13, bar.tool, anchor="end", weight=weight),
            f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" {shape} stroke="{colour}"/>',
            _text(int(LEFT + width + 8), y + 13, bar.label, weight=weight),
        ]
    return lines


def _text(x: int, y: int, text: str, size: int = 13, weight: int = 400, anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" fill="{TEXT}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
