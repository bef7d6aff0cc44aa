"""The steps of a round, in their order.

Edits stay in force until the round ends, so that each measured backup sees
exactly one change; restore and check then work on the last state.
"""

from collections.abc import Iterable

TITLES = {
    "first": "first run",
    "nochange": "no change",
    "oneline": "40 bytes appended to a small text file",
    "rename": "a top folder renamed",
    "writes": "100 random 4 KiB writes",
    "insert": "5 bytes inserted near the front",
    "restore": "restore all",
    "one": "restore one file",
    "one-bare": "restore one file, no catalogue or cache",
    "check": "check with data",
    "prune": "forget all but the last, prune",
}
NAMES = [*TITLES, "versions"]


def title(step: str) -> str:
    """A step for people."""
    if step.startswith("version-"):
        return f"version {int(step.removeprefix('version-'))} in its place"
    return TITLES[step]


def is_edit(step: str) -> bool:
    """Whether a step changes the source and then backs it up."""
    return step in ("oneline", "rename", "writes", "insert") or step.startswith("version-")


def is_backup(step: str) -> bool:
    """Whether a step leaves one more snapshot."""
    return step in ("first", "nochange") or is_edit(step)


def plan(wanted: Iterable[str], edits: list[str], has_one: bool) -> list[str]:
    """The steps for one tree: those wanted that it can have; always the first run."""
    chosen = set(wanted)
    middle = [e for e in edits if e in chosen or (e.startswith("version-") and "versions" in chosen)]
    ones = [step for step in ("one", "one-bare") if has_one]
    every = ["nochange", *middle, "restore", *ones, "check", "prune"]
    return ["first", *(step for step in every if step in chosen or step in middle)]
