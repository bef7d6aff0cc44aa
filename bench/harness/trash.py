"""Deletes what measurements leave behind, at moments when it does no harm.

An ext4 without a journal does not hand out an inode again for a minute after
its deletion, or for five more where the block it lies in has been changed since,
and looks for another one instead, file by file: a restore right after the
deletion of a large tree takes many times as long as on a fresh disk, most of all
with several threads, and whoever comes first in a round looks best. So folders are only moved aside
during a round, deleted between rounds, and on such a file system the next
measurement waits until the deletion is forgotten.
"""

import os
import sys
import time
from pathlib import Path

from harness.trees import remove

WAIT = 365  # seconds; the kernel's six minutes and a little


class Trash:
    """A folder on the work folder's file system."""

    def __init__(self, work: Path) -> None:
        self.folder = work / "trash"
        self.stamp = work / "emptied"
        self.slow = without_journal(work)

    def drop(self, path: Path) -> None:
        """Moves a folder away; nothing is deleted yet."""
        if path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.rename(self.folder / f"{time.time_ns()}-{path.name}")

    def empty(self) -> None:
        """Deletes all that was dropped."""
        if self.folder.exists():
            remove(self.folder)
            os.sync()
            self.stamp.touch()

    def settle(self) -> None:
        """Waits where a recent deletion would slow down whoever creates files."""
        if self.slow and self.stamp.exists():
            left = WAIT - (time.time() - self.stamp.stat().st_mtime)
            if 0 < left <= WAIT:
                print(
                    f"  {left:.0f} s for the file system to forget what was deleted",
                    file=sys.stderr,
                    flush=True,
                )
                time.sleep(left)


def without_journal(path: Path) -> bool:
    """Whether a folder lies on an ext4 file system that has no journal."""
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    for line in lines:
        words = line.split()
        if words[2] == number and "-" in words:
            kind, name = words[words.index("-") + 1 :][:2]
            name = Path(name).resolve().name
            return (
                kind == "ext4"
                and Path("/proc/fs/ext4", name).exists()
                and not list(Path("/proc/fs/jbd2").glob(f"{name}-*"))
            )
    return False
