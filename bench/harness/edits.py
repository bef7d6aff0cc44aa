"""The working copy of a tree and the edits that the steps make to it.

The original tree is never changed: a step that edits gets a copy. Every edit is
the same each time (same file, bytes and times), saves first what it touches and
can be undone, also after a kill in its middle, so that every round begins alike
and a resumed one finds the source as its repositories know it.
"""

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

from harness import versions
from harness.trash import Trash
from harness.trees import Tree, count, remove

MINUTE = 60 * 10**9
PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
EDITS = ("oneline", "rename", "writes", "insert")


class Source:
    """The folder that is backed up, with the edits applied so far."""

    def __init__(self, tree: Tree, folder: Path, copied: bool) -> None:
        self.tree, self.folder = tree, folder
        self.original = tree.first
        self.path = folder / "source" if copied else self.original
        self.state_file = folder / "edits.json"
        if copied:
            self._copy()

    def _copy(self) -> None:
        """Makes the copy once, and again if the original has changed since."""
        mark = {"entries": self.tree.entries, "bytes": self.tree.bytes, "path": self.tree.path}
        stamp = self.folder / "copy.json"
        if stamp.exists() and json.loads(stamp.read_text()) == mark:
            return
        Trash(self.folder.parents[1]).drop(self.folder)
        self.folder.mkdir(parents=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.original), str(self.path)], check=True)
        stamp.write_text(json.dumps(mark))

    def applied(self) -> list[str]:
        """Edits in force, in order; an edit that was cut off counts."""
        return json.loads(self.state_file.read_text()) if self.state_file.exists() else []

    def bring_to(self, wanted: list[str]) -> None:
        """Undoes and applies edits until exactly `wanted` are in force."""
        now = self.applied()
        broken = (self.folder / "busy").exists()
        if broken or now != wanted[: len(now)]:
            for edit in reversed(now):
                self._undo(edit)
                now = now[:-1]
                self.state_file.write_text(json.dumps(now))
            (self.folder / "busy").unlink(missing_ok=True)
        for edit in wanted[len(now) :]:
            (self.folder / "busy").touch()
            now = [*now, edit]
            self.state_file.write_text(json.dumps(now))
            self._apply(edit)
            (self.folder / "busy").unlink()

    def _apply(self, edit: str) -> None:
        saved = self.folder / "saved" / edit
        remove(saved)
        saved.mkdir(parents=True)
        if edit.startswith("version-"):
            number = int(edit.removeprefix("version-"))
            versions.become(self.path, Path(self.tree.path) / f"{number:02}", number)
            return
        name = (
            top_folder(self.path)
            if edit == "rename"
            else (small_text(self.path) if edit == "oneline" else only_file(self.path))
        )
        assert name is not None, f"{edit} was planned for a tree that has nothing for it"
        path = self.path / name
        stat, parent = path.stat(), path.parent.stat()
        if edit != "rename":
            subprocess.run(["cp", "-a", "--reflink=auto", str(path), str(saved / "file")], check=True)
        note = {"name": name, "parent": parent.st_mtime_ns}
        (saved / "note.json").write_text(json.dumps(note))
        if edit == "rename":
            path.rename(renamed(path))
            os.utime(path.parent, ns=(parent.st_atime_ns, parent.st_mtime_ns + MINUTE))
            return
        {"oneline": append_line, "writes": write_blocks, "insert": insert_bytes}[edit](path)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + MINUTE))

    def _undo(self, edit: str) -> None:
        """Puts back what the edit saved; harmless when it had not begun."""
        if edit.startswith("version-"):
            versions.become(self.path, self.original, 1)
            return
        saved = self.folder / "saved" / edit
        if not (saved / "note.json").exists():
            return
        note = json.loads((saved / "note.json").read_text())
        path = self.path / note["name"]
        if edit != "rename":
            subprocess.run(["cp", "-a", "--reflink=auto", str(saved / "file"), str(path)], check=True)
        elif renamed(path).exists():
            renamed(path).rename(path)
        os.utime(path.parent, ns=(note["parent"], note["parent"]))
        remove(saved)


def possible(tree: Tree) -> list[str]:
    """The edits that make sense for a tree, in the order of the steps."""
    root = Path(tree.path)
    if tree.series:
        return [f"version-{int(p.name):02}" for p in sorted(root.iterdir())[1:]]
    if only_file(root):
        return ["writes", "insert"]
    found = {"oneline": small_text(root), "rename": top_folder(root)}
    return [edit for edit, name in found.items() if name]


def files(root: Path, least: int, most: int) -> list[str]:
    """Plainly named files of a size range without other links, sorted."""
    found, pending = [], [str(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    name = os.path.relpath(entry.path, root)
                    if least <= stat.st_size <= most and stat.st_nlink == 1 and PLAIN.fullmatch(name):
                        found.append(name)
    return sorted(found)


def small_text(root: Path) -> str | None:
    """A text file of at most 8 KiB: the first from the middle of the list on."""
    found = files(root, 1, 8192)
    middle = len(found) // 2
    for name in found[middle:] + found[:middle]:
        data = (root / name).read_bytes()
        if data.endswith(b"\n") and b"\0" not in data and data.isascii():
            return name
    return None


def one_file(root: Path) -> str | None:
    """The file that is restored alone: the middle one of 1 KiB to 1 MiB."""
    found = files(root, 1024, 1 << 20)
    return found[len(found) // 2] if found and only_file(root) is None else None


def only_file(root: Path) -> str | None:
    """The name of the file of a tree that holds nothing else and is large."""
    names = os.listdir(root)[:2]
    path = root / names[0] if len(names) == 1 else None
    return path.name if path and path.is_file() and path.stat().st_size >= 1 << 20 else None


def top_folder(root: Path) -> str | None:
    """The top folder with the most entries."""
    folders = sorted(entry.name for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))
    return max(folders, key=lambda name: count(root / name)[0], default=None)


def renamed(path: Path) -> Path:
    """The new name of a renamed folder."""
    return path.with_name(path.name + "-renamed")


def append_line(path: Path) -> None:
    """40 bytes more at the end."""
    with open(path, "ab") as out:
        out.write(b"one more line of forty bytes, no more..\n")


def write_blocks(path: Path) -> None:
    """100 blocks of 4 KiB at random aligned places."""
    dice = random.Random("keepmum bench writes")
    with open(path, "r+b") as out:
        for number in sorted(dice.sample(range(path.stat().st_size // 4096), 100)):
            out.seek(number * 4096)
            out.write(hashlib.shake_128(b"keepmum bench write %d" % number).digest(4096))


def insert_bytes(path: Path) -> None:
    """5 bytes more at byte 4,321: all that follows moves."""
    new = path.parent.parent / "insert.new"
    parent, old = path.parent.stat(), path.stat()
    with open(path, "rb") as source, open(new, "wb") as out:
        out.write(source.read(4321) + b"12345")
        shutil.copyfileobj(source, out, 1 << 20)
        os.fchown(out.fileno(), old.st_uid, old.st_gid)
        os.fchmod(out.fileno(), old.st_mode & 0o7777)
    os.replace(new, path)
    os.utime(path.parent, ns=(parent.st_atime_ns, parent.st_mtime_ns))
