#!/usr/bin/env python3
"""Program and reader on every subset of the objects of a history of two devices: both must say the same.

`cargo test -p keepmum --test runs subsets` writes the history to FOLDER/all, and to FOLDER/expected for each subset what the
program says of every snapshot: its state, how a restore ends, which files come back.

    reader/test_subsets.py FOLDER
"""
from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

from repository import FILE, Destination, Problem, Report, Snapshot


def subsets(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The files of each subset, and the lines that follow."""
    here: list[str] = []
    lines: list[str] = []
    for line in text.splitlines() + ["with "]:
        if line.startswith("with "):
            if lines or here:
                yield here, sorted(lines)
            here, lines = line.removeprefix("with ").split(","), []
        else:
            lines.append(line)


def said(snapshot: Snapshot) -> str:
    """What this reader says of a snapshot, in the words of the file."""
    repository = snapshot.repository
    here, wanted = repository.state(snapshot)
    state = "complete" if repository.complete(snapshot) else f"pending {here} of {wanted}"
    code, names = 0, []
    for path, item in repository.walk(snapshot):
        try:
            if isinstance(item, Problem):
                raise item
            if item.kind == FILE:
                for _ in repository.content(item.content):
                    pass
                names.append(path[-1].decode())
        except Problem as problem:
            code = max(code, problem.code)
    return "\t".join((snapshot.id, state, str(code), ",".join(sorted(names))))


def main(folder: Path) -> int:
    secret = (folder / "recovery-code").read_text()
    everything = {path.name: path for path in (folder / "all").iterdir()}
    keys = [path for path in everything.values() if path.stat().st_size == 4096]
    began, count, different = time.monotonic(), 0, 0
    for here, expected in subsets((folder / "expected").read_text()):
        count += 1
        with tempfile.TemporaryDirectory(dir=folder) as place:
            for path in keys + [everything[name] for name in here if name]:
                os.link(path, os.path.join(place, path.name))
            with redirect_stderr(io.StringIO()):
                found = sorted(map(said, Destination(place, secret, Report()).snapshots))
        if found != expected:
            different += 1
            if different <= 5:
                print(f"with {[name[:6] for name in here]}:\n  the program says {expected}\n  the reader says {found}", file=sys.stderr)
    print(f"{count} subsets, {different} of them told differently ({time.monotonic() - began:.1f} s)")
    return 1 if different or count < 200 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
