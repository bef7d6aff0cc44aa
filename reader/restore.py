"""Writes a snapshot to disk: never outside the folder that it is given, and no file in part."""
from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import replace

from repository import CHARACTER, DIRECTORY, FIFO, FILE, SYMLINK, Entry, Problem, Refused, Report, Repository, Snapshot
from repository import shown


class Restorer:
    """Writes a snapshot beneath an empty folder, through folder handles that follow no link."""
    FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

    def __init__(self, target: str, special: bool, report: Report) -> None:
        os.makedirs(target, mode=0o700, exist_ok=True)
        if os.listdir(target):
            raise Problem(f"{shown(target)} is not empty; nothing was restored")
        self.root = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.special, self.report, self.is_root = special, report, os.geteuid() == 0
        self.at: tuple[tuple[bytes, ...], int] = ((), os.dup(self.root))
        self.first_of: dict[tuple[int | None, str], tuple[bytes, ...]] = {}
        self.folders: list[tuple[tuple[bytes, ...], Entry]] = []

    def folder(self, path: tuple[bytes, ...]) -> int:
        """A handle of a folder beneath the target; the one used last stays open."""
        if path != self.at[0]:
            handle = os.dup(self.root)
            for component in path:
                try:
                    below = os.open(component, self.FOLDER, dir_fd=handle)
                finally:
                    os.close(handle)
                handle = below
            os.close(self.at[1])
            self.at = path, handle
        return self.at[1]

    def restore(self, snapshot: Snapshot) -> None:
        before = os.umask(0)
        try:
            for path, item in snapshot.repository.walk(snapshot):
                self.guarded(path, lambda: self.one(snapshot.repository, path, item))
            for path, entry in reversed(self.folders):
                self.guarded(path, lambda: self.finish(path, entry))
        finally:
            os.umask(before)

    def guarded(self, path: tuple[bytes, ...], action: Callable[[], None]) -> None:
        try:
            action()
        except Problem as problem:
            self.report.problem(shown(b"/".join(path)) or "/", problem)
        except (OSError, OverflowError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO):
                raise Problem(f"the target cannot be written: {error.strerror}") from None
            self.report.problem(shown(b"/".join(path)) or "/", Refused(f"not restored here ({error})"))

    def one(self, repository: Repository, path: tuple[bytes, ...], item: Entry | Problem) -> None:
        if isinstance(item, Problem):
            raise item
        item = replace(item, attributes=repository.attributes(item, b"/".join(path), self.report))
        parent = self.folder(path[:-1])
        if item.kind == DIRECTORY:
            os.mkdir(item.name, 0o700, dir_fd=parent)
            self.folders.append((path, item))
            return
        same = repr(replace(item, name=b""))  # only files are linked, and only to equal ones (§6.2)
        if item.kind == FILE and item.link is not None and same in self.first_of and self.hard_link(path, self.first_of[same]):
            return
        if item.kind == FILE:
            self.file(repository, parent, item)
        elif item.kind == SYMLINK:
            os.symlink(item.target, item.name, dir_fd=parent)
        elif item.kind == FIFO:
            os.mkfifo(item.name, self.mode(item), dir_fd=parent)
        elif not (self.special and self.is_root):
            self.report.note(f"{shown(b'/'.join(path))}: devices are restored by root with --special only")
            return
        else:
            form = stat.S_IFCHR if item.kind == CHARACTER else stat.S_IFBLK
            os.mknod(item.name, form | self.mode(item), os.makedev(*item.device), dir_fd=parent)
        if item.kind != FILE:
            self.dress_name(parent, path, item)
        if item.kind == FILE and item.link is not None:
            self.first_of[same] = path

    def hard_link(self, path: tuple[bytes, ...], first: tuple[bytes, ...]) -> bool:
        source = os.dup(self.folder(first[:-1]))
        try:
            os.link(first[-1], path[-1], src_dir_fd=source, dst_dir_fd=self.folder(path[:-1]), follow_symlinks=False)
            return True
        except OSError as error:
            self.report.note(f"{shown(b'/'.join(path))}: restored as a file of its own ({error.strerror})")
            self.folder(path[:-1])
            return False
        finally:
            os.close(source)

    def file(self, repository: Repository, parent: int, entry: Entry) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(entry.name, flags, 0o600, dir_fd=parent)
        try:
            end = 0
            for length, data in repository.content(entry.content):
                while data:
                    data = data[os.pwrite(handle, data, end + length - len(data)):]
                end += length
            os.ftruncate(handle, end)
            self.dress(handle, entry)
        except BaseException:
            os.unlink(entry.name, dir_fd=parent)  # a part of a file would pass for the file
            raise
        finally:
            os.close(handle)

    def mode(self, entry: Entry) -> int:
        """The mode; set-user-id and set-group-id bits only where the owner they were meant for is kept."""
        if entry.mode is None:
            return 0o700 if entry.kind == DIRECTORY else 0o600
        kept = entry.owner and (self.is_root or entry.owner == (os.geteuid(), os.getegid()))
        return entry.mode if kept else entry.mode & 0o1777

    def finish(self, path: tuple[bytes, ...], entry: Entry) -> None:
        self.dress(self.folder(path), entry)

    def dress(self, handle: int, entry: Entry) -> None:
        """Owner, mode, attributes and time of an open file or folder; in this order, as each clears what follows."""
        if self.is_root and entry.owner:
            os.fchown(handle, *entry.owner)
        os.fchmod(handle, self.mode(entry))
        self.attributes(handle, entry, True)
        if entry.mtime:
            os.utime(handle, ns=(nanoseconds(entry),) * 2)
            self.kept_time(os.fstat(handle), entry)

    def dress_name(self, parent: int, path: tuple[bytes, ...], entry: Entry) -> None:
        if self.is_root and entry.owner:
            os.chown(entry.name, *entry.owner, dir_fd=parent, follow_symlinks=False)
        self.attributes(b"/proc/self/fd/%d/%s" % (parent, entry.name), entry, False)
        if entry.mtime:
            os.utime(entry.name, ns=(nanoseconds(entry),) * 2, dir_fd=parent, follow_symlinks=False)
            self.kept_time(os.stat(entry.name, dir_fd=parent, follow_symlinks=False), entry)

    def kept_time(self, status: os.stat_result, entry: Entry) -> None:
        """No file system keeps every time, and none says so."""
        if status.st_mtime_ns != nanoseconds(entry):
            self.report.code = max(self.report.code, 3)
            self.report.note(f"{shown(entry.name)}: its time is not kept to the nanosecond here")

    def attributes(self, where: int | bytes, entry: Entry, follow: bool) -> None:
        for space, name, value in entry.attributes:
            try:
                if space != "xattr" or not hasattr(os, "setxattr"):
                    raise OSError(errno.ENOTSUP, "not known here")
                if not name or b"\0" in name:
                    raise OSError(errno.EINVAL, "no name that this system takes")
                os.setxattr(where, name, value, follow_symlinks=follow)
            except OSError as error:
                self.report.code = max(self.report.code, 3)
                self.report.note(f"{shown(entry.name)}: attribute {shown(name)} is not kept: {error.strerror}")


def nanoseconds(entry: Entry) -> int:
    return entry.mtime[0] * 10**9 + entry.mtime[1] if entry.mtime else 0
