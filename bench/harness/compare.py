"""Compares two trees entry by entry.

A restore counts only if it gave back what was saved, so this reads everything
itself and trusts neither a tool's exit code nor its report. It never follows a
symbolic link and never changes a tree (access times apart).
"""

import argparse
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

ASPECTS = ("content", "mode", "owner", "mtime", "links", "xattrs", "sparse", "root")
BLOCK = 1 << 20
KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


@dataclass
class Comparison:
    """What differed: the first lines, and how many there are in all."""

    aspects: frozenset[str]
    limit: int = 20
    entries: int = 0
    count: int = 0
    lines: list[str] = field(default_factory=list)

    def differ(self, path: str, what: str) -> None:
        """Notes one difference."""
        self.count += 1
        if len(self.lines) < self.limit:
            self.lines.append(f"{shown(path)}: {what}")


def shown(path: str) -> str:
    """A path as one safe line of text."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def compare(left: str, right: str, aspects: set[str] | None = None, limit: int = 20) -> Comparison:
    """Compares two files or folders.

    `aspects` is a subset of ASPECTS, by default all but "sparse". Type, size,
    symlink target and device number are always compared. "root" stands for
    the mode, owner, times and attributes of the two top entries.
    """
    wanted = frozenset(aspects if aspects is not None else set(ASPECTS) - {"sparse"})
    result = Comparison(wanted, limit)
    groups: tuple[dict, dict] = ({}, {})
    inodes: dict[tuple, tuple] = {}
    for path, kind in _pairs(left, right, result):
        a, b = os.path.join(left, path) if path else left, os.path.join(right, path) if path else right
        one, two = os.lstat(a), os.lstat(b)
        result.entries += 1
        if path or "root" in wanted:
            _metadata(path or ".", a, b, one, two, result)
        if kind == stat.S_IFREG:
            pair = (one.st_dev, one.st_ino, two.st_dev, two.st_ino)
            if one.st_nlink == 1 or pair not in inodes:
                inodes.update({pair: ()} if one.st_nlink > 1 else {})
                _content(path or ".", a, b, one, two, result)
        for group, entry in zip(groups, (one, two), strict=True):
            if entry.st_nlink > 1 and kind != stat.S_IFDIR:
                group.setdefault((entry.st_dev, entry.st_ino), []).append(path)
    if "links" in wanted:
        _links(groups[0], groups[1], result)
    return result


def _pairs(left: str, right: str, result: Comparison) -> Iterator[tuple[str, int]]:
    """Relative paths that are in both trees with one type; the rest is noted."""
    pending = [""]
    while pending:
        path = pending.pop()
        a, b = os.path.join(left, path) if path else left, os.path.join(right, path) if path else right
        one, two = stat.S_IFMT(os.lstat(a).st_mode), stat.S_IFMT(os.lstat(b).st_mode)
        if one != two:
            result.differ(path or ".", f"{KINDS.get(one, one)} against {KINDS.get(two, two)}")
            continue
        yield path, one
        if one != stat.S_IFDIR:
            continue
        here, there = set(os.listdir(a)), set(os.listdir(b))
        for name in sorted(here ^ there):
            result.differ(
                os.path.join(path, name), "missing on the right" if name in here else "only on the right"
            )
        pending.extend(os.path.join(path, name) for name in sorted(here & there, reverse=True))


def _metadata(
    path: str, a: str, b: str, one: os.stat_result, two: os.stat_result, result: Comparison
) -> None:
    """Mode, owner, time, link target, device number and extended attributes."""
    kind = stat.S_IFMT(one.st_mode)
    wanted = result.aspects
    if "mode" in wanted and kind != stat.S_IFLNK and one.st_mode != two.st_mode:
        result.differ(path, f"mode {stat.S_IMODE(one.st_mode):o} against {stat.S_IMODE(two.st_mode):o}")
    if "owner" in wanted and (one.st_uid, one.st_gid) != (two.st_uid, two.st_gid):
        result.differ(path, f"owner {one.st_uid}:{one.st_gid} against {two.st_uid}:{two.st_gid}")
    if "mtime" in wanted and one.st_mtime_ns != two.st_mtime_ns:
        result.differ(path, f"mtime {one.st_mtime_ns} against {two.st_mtime_ns} ns")
    if kind == stat.S_IFLNK and os.readlink(a) != os.readlink(b):
        result.differ(path, f"target {shown(os.readlink(a))} against {shown(os.readlink(b))}")
    if kind in (stat.S_IFBLK, stat.S_IFCHR) and one.st_rdev != two.st_rdev:
        result.differ(path, "another device number")
    if "xattrs" in wanted:
        here, there = _xattrs(a), _xattrs(b)
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                result.differ(path, f"extended attribute {shown(name)}")


def _xattrs(path: str) -> dict[str, bytes]:
    """All extended attributes; none where the file system has none."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    except OSError:
        return {}


def _content(path: str, a: str, b: str, one: os.stat_result, two: os.stat_result, result: Comparison) -> None:
    """Size, bytes and, if asked for, whether holes stayed holes."""
    if one.st_size != two.st_size:
        result.differ(path, f"{one.st_size} bytes against {two.st_size}")
        return
    if "sparse" in result.aspects and _sparse(one) and not _sparse(two):
        result.differ(path, "sparse on the left only")
    if "content" not in result.aspects:
        return
    with open(a, "rb", buffering=0) as left, open(b, "rb", buffering=0) as right:
        offset = 0
        while True:
            here, there = left.read(BLOCK), right.read(BLOCK)
            if here != there:
                result.differ(path, f"content, in the MiB from byte {offset}")
                return
            if not here:
                return
            offset += len(here)


def _sparse(entry: os.stat_result) -> bool:
    """Whether a file takes clearly less room than its size asks for."""
    return entry.st_blocks * 512 + 4096 < entry.st_size


def _links(left: dict, right: dict, result: Comparison) -> None:
    """Whether the same paths share one inode; links out of the tree do not count."""

    def peers(groups: dict) -> dict[str, tuple[str, ...]]:
        return {path: tuple(sorted(paths)) for paths in groups.values() if len(paths) > 1 for path in paths}

    here, there = peers(left), peers(right)
    for path in sorted(here.keys() | there.keys()):
        if here.get(path) != there.get(path):
            result.differ(
                path,
                f"hard link to {len(here.get(path, ' ')) - 1} others against {len(there.get(path, ' ')) - 1}",
            )


def main(arguments: list[str]) -> int:
    """The command line of `bench/compare`: 0 same, 1 different, 2 cannot tell."""
    parser = argparse.ArgumentParser(
        prog="bench/compare",
        description="Compares two trees; example: bench/compare /home/x /tmp/restored/home/x",
    )
    parser.add_argument("left")
    parser.add_argument("right")
    parser.add_argument("--ignore", default="", metavar="A,B", help="leave out: " + ", ".join(ASPECTS))
    parser.add_argument("--sparse", action="store_true", help="a sparse file must stay sparse")
    parser.add_argument("--limit", type=int, default=20, help="how many differences to list (20)")
    given = parser.parse_args(arguments)
    ignored = {word for word in given.ignore.split(",") if word}
    if ignored - set(ASPECTS):
        parser.error(f"unknown: {', '.join(sorted(ignored - set(ASPECTS)))}")
    aspects = set(ASPECTS) - ignored - (set() if given.sparse else {"sparse"})
    try:
        result = compare(given.left, given.right, aspects, given.limit)
    except OSError as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        return 2
    for line in result.lines:
        print(line)
    if result.count > len(result.lines):
        print(f"… and {result.count - len(result.lines)} more")
    print(f"{result.entries} entries compared, {result.count} differences", file=sys.stderr)
    return 1 if result.count else 0
