"""The figures on disk: one JSON object on each line, only ever appended to.

A later row replaces an earlier one of the same tool, version, tree, step and
round. A torn last line (a kill while writing) is skipped and ended.
"""

import json
from pathlib import Path
from statistics import median

FIGURES = (
    "wall",
    "user",
    "sys",
    "peak",
    "flush",
    "new_files",
    "new_bytes",
    "deleted_files",
    "deleted_bytes",
    "stored_files",
    "stored_bytes",
)
Row = dict


class Rows:
    """All rows of one work folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[tuple, Row] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError):
                    continue

    def _take(self, row: Row) -> None:
        key = (row["tool"], row["version"], row["tree"], row["step"], row["round"])
        self.rows.pop(key, None)
        self.rows[key] = row

    def add(self, row: Row) -> None:
        """Appends a row; it is on disk when this returns."""
        torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size
        with open(self.path, "a") as out:
            out.write(("\n" if torn else "") + json.dumps(row) + "\n")
        self._take(row)

    def finished(self, tool: str, version: str, tree: str, step: str, number: int) -> bool:
        """Whether this measurement is there and was good; failed ones run again."""
        row = self.rows.get((tool, version, tree, step, number))
        return bool(row and row["ok"])

    def medians(self, tree: str, tools: list[str]) -> dict[tuple[str, str], Row]:
        """Per (step, tool) the medians over the rounds of the tool's newest version.

        A row that failed makes the whole cell failed: no median hides it.
        """
        newest = {row["tool"]: row["version"] for row in self.rows.values() if row["tree"] == tree}
        cells: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows.values():
            if row["tree"] == tree and row["tool"] in tools and row["version"] == newest[row["tool"]]:
                cells.setdefault((row["step"], row["tool"]), []).append(row)
        result = {}
        for key, rows in cells.items():
            failed = [row for row in rows if not row["ok"]]
            figures = {name: median(row.get(name, 0) for row in rows) for name in FIGURES}
            result[key] = {**(failed or rows)[-1], **figures, "rounds": len(rows)}
        return result
