"""Runs the steps of all tools on one tree, interleaved and resumable.

Within a round every step goes through all tools before the next begins, and the
order of the tools turns with every step, so that a slow moment of the machine
does not fall on one tool. What each repository has seen is noted beside it: if
that is not what a step needs (a kill, another selection), the repository is made
again without measuring. A restore that differs from the source is a failed row.
"""

import filecmp
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import edits, steps
from harness.compare import compare
from harness.measure import Command, Cost, flushed, listing, measure, uploads
from harness.rows import Rows
from harness.tools import Place, Tool
from harness.trash import Trash
from harness.trees import Tree

COMPARED = {"content", "mode", "owner", "mtime", "links", "root"}


@dataclass
class Campaign:
    """All that the measurements of one tree share."""

    tree: Tree
    tools: dict[Tool, str]  # each with its version
    wanted: list[str]
    rounds: int
    work: Path
    rows: Rows
    timeout: int

    def __post_init__(self) -> None:
        possible = edits.possible(self.tree)
        self.plan = steps.plan(self.wanted, possible, edits.one_file(self.tree.first) is not None)
        copied = any(steps.is_edit(step) for step in self.plan)
        self.source = edits.Source(self.tree, self.work / "copies" / self.tree.name, copied)
        self.broken: set[str] = set()
        self.trash = Trash(self.work)

    def run(self) -> None:
        """All rounds; leaves the source as it was."""
        for number in range(1, self.rounds + 1):
            self._begin(number)
            warm = False
            for turn, step in enumerate(self.plan):
                todo = [tool for tool in self.tools if self._due(tool, step, number)]
                shift = (number + turn) % max(1, len(todo))
                for tool in todo[shift:] + todo[:shift]:
                    warm = warm or self._warm()
                    if tool.name not in self.broken:
                        self._one(tool, step, number)
        if self.source.path != self.source.original:
            self.source.bring_to([])
        self.trash.empty()

    def _begin(self, number: int) -> None:
        """Clears away what earlier rounds left, of the tools that have one before them."""
        self.broken = set()
        for tool in self.tools:
            note = self._place(tool).folder / "state.json"
            if any(self._due(tool, step, number) for step in self.plan):
                if not note.exists() or json.loads(note.read_text())["round"] != number:
                    self.trash.drop(self._place(tool).folder)
        self.trash.empty()

    def _due(self, tool: Tool, step: str, number: int) -> bool:
        """Whether this tool has this step still before it."""
        wanted = step in self.wanted or (step.startswith("version-") and "versions" in self.wanted)
        done = self.rows.finished(tool.name, self.tools[tool], self.tree.name, step, number)
        return wanted and not done and tool.fits(self.source.path, step)

    def _warm(self) -> bool:
        """Reads the source once, so that all tools find it in the page cache."""
        line = 'tar -cf - "$1" 2>/dev/null | cat > /dev/null'
        subprocess.run(["bash", "-c", line, "warm", str(self.source.path)], check=True)
        return True

    def _place(self, tool: Tool) -> Place:
        name = "".join(c if c.isalnum() else "-" for c in tool.name)
        return Place(self.work / "runs" / self.tree.name / name, self.source.path)

    def _before(self, tool: Tool, step: str) -> list[str]:
        """The backups that a tool's repository must hold when a step begins."""
        if tool.kind == "floor" and step in ("first", "nochange", "restore"):
            return []
        at = self.plan.index(step)
        return [earlier for earlier in self.plan[:at] if steps.is_backup(earlier)]

    def _edit_to(self, step: str) -> None:
        if self.source.path != self.source.original:
            at = self.plan.index(step)
            self.source.bring_to([s for s in self.plan[: at + 1] if steps.is_edit(s)])

    def _one(self, tool: Tool, step: str, number: int) -> None:
        """One measurement, with whatever must be there before it."""
        place = self._place(tool)
        note = place.folder / "state.json"
        known = json.loads(note.read_text()) if note.exists() else {}
        need = {
            "round": number,
            "version": self.tools[tool],
            "source": str(self.source.path),
            "done": self._before(tool, step),
        }
        if known != need or step == "first":
            problem = self._rebuild(tool, place, need["done"])
            if problem:
                self._failed(tool, step, number, problem)
                return
        place.label = need["done"][-1] if need["done"] else ""
        self._edit_to(step)
        note.unlink(missing_ok=True)
        row = self._measured(tool, place, step, number)
        if row is None:
            note.write_text(json.dumps(need))
            return
        self.rows.add(row)
        changes = steps.is_backup(step) or step == "prune"
        if row["ok"] or not changes:
            need["done"] = [*need["done"], step] if changes else need["done"]
            note.write_text(json.dumps(need))
        else:
            self.broken.add(tool.name)
        self._say(row)

    def _rebuild(self, tool: Tool, place: Place, done: list[str]) -> str:
        """A fresh repository that holds the backups of `done`; what went wrong, or nothing."""
        self.trash.drop(place.folder)
        place.folder.mkdir(parents=True)
        self.trash.settle()
        cost = measure(tool.prepare(place), place.home, self._log(tool), self.timeout)
        for step in done:
            if not cost.ok:
                break
            print(f"  {tool.name}: {steps.title(step)}, again without measuring", file=sys.stderr, flush=True)
            self._edit_to(step)
            cost = measure(tool.backup(place, step) or [], place.home, self._log(tool), self.timeout)
        return "" if cost.ok else f"cannot prepare: {cost.reason}"

    def _measured(self, tool: Tool, place: Place, step: str, number: int) -> dict | None:
        """The row of one step; None when the tool cannot do it."""
        target = self.work / "restored" / f"{place.folder.name}-{step}"
        self.trash.drop(target)
        target.mkdir(parents=True)
        one = edits.one_file(self.source.path) if step in ("one", "one-bare") else None
        commands = self._commands(tool, place, step, target, one)
        if commands is None:
            return None
        os.sync()
        self.trash.settle()
        before = listing(place.destination)
        cost = measure(commands, place.home, self._log(tool), self.timeout)
        cost.flush = flushed()
        changed = uploads(before, listing(place.destination))
        if cost.ok and step == "restore":
            cost.reason = self._differs(tool, place, target)
        elif cost.ok and one:
            cost.reason = _same_file(self.source.path / one, target)
        self.trash.drop(target)
        return self._row(tool, step, number, cost, changed)

    def _commands(
        self, tool: Tool, place: Place, step: str, target: Path, one: str | None
    ) -> list[Command] | None:
        if steps.is_backup(step):
            return tool.backup(place, step)
        if step in ("one", "one-bare"):
            return tool.restore_one(place, one, target, bare=step == "one-bare") if one else None
        if step == "restore":
            return tool.restore(place, target)
        return {"check": tool.check, "prune": tool.prune}[step](place)

    def _differs(self, tool: Tool, place: Place, target: Path) -> str:
        """What a full restore got wrong, in one sentence; the list goes to the log."""
        root = tool.restored(place, target)
        if not root.is_dir():
            return "nothing was restored"
        aspects = COMPARED if tool.restores_root else COMPARED - {"root"}
        result = compare(str(self.source.path), str(root), aspects)
        with open(self._log(tool), "a", encoding="utf-8", errors="backslashreplace") as log:
            log.writelines(f"differs: {line}\n" for line in result.lines)
        return f"{result.count} differences, the first: {result.lines[0]}" if result.count else ""

    def _log(self, tool: Tool) -> Path:
        folder = self.work / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{self.tree.name}-{self._place(tool).folder.name}.log"

    def _row(self, tool: Tool, step: str, number: int, cost: Cost, changed: dict[str, int]) -> dict:
        return {
            "tool": tool.name,
            "version": self.tools[tool],
            "tree": self.tree.name,
            "step": step,
            "round": number,
            "ok": cost.ok,
            "reason": cost.reason,
            "wall": round(cost.wall, 4),
            "user": round(cost.user, 4),
            "sys": round(cost.sys, 4),
            "peak": cost.peak,
            "flush": round(cost.flush, 4),
            **changed,
            "tree_entries": self.tree.entries,
            "tree_bytes": self.tree.bytes,
        }

    def _failed(self, tool: Tool, step: str, number: int, reason: str) -> None:
        row = self._row(tool, step, number, Cost(reason=reason), uploads({}, {}))
        self.rows.add(row)
        self.broken.add(tool.name)
        self._say(row)

    def _say(self, row: dict) -> None:
        """One line for who watches."""
        what = (
            f"{row['wall']:8.2f} s  {row['new_bytes']:>13,} B / {row['new_files']}"
            if row["ok"]
            else f"FAILED: {row['reason']}"
        )
        print(
            f"{row['tree']} {row['round']}  {row['step']:10} {row['tool']:10} {what}",
            file=sys.stderr,
            flush=True,
        )


def _same_file(wanted: Path, target: Path) -> str:
    """Whether the only file below the target has the wanted content."""
    found = [path for path in target.rglob("*") if path.is_file()]
    if len(found) != 1:
        return f"{len(found)} files were restored instead of one"
    same = found[0].name == wanted.name and filecmp.cmp(found[0], wanted, shallow=False)
    return "" if same else "the file differs"
