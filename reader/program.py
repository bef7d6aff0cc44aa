"""What a source holds, by looking at it, and the program as a command: for the tests that compare the two."""
from __future__ import annotations

import contextlib
import grp
import hashlib
import io
import json
import os
import pwd
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import reader

PASSWORD = "correct horse"
Manifest = dict[str, dict[str, Any]]


class Different(Exception):
    """The program and the reader do not agree, or one of them failed."""


def want(condition: bool, sentence: str) -> None:
    if not condition:
        raise Different(sentence)


# ---- What a source holds, by looking at it ----

def manifest_of(root: str) -> Manifest:
    """What a manifest must say of everything from `/` down to and in `root`."""
    lines: Manifest = {}
    first_of: dict[tuple[int, int], bytes] = {}
    path = b""
    for name in os.fsencode(root).strip(b"/").split(b"/"):
        path += b"/" + name
        note(lines, path, first_of)
        if path != os.fsencode(root):
            del lines[key_of(path)]["mtime"]  # folders above a root change all the time: no time is kept
    for found in sorted(below(path), key=lambda found: found.split(b"/")):
        if not stat.S_ISSOCK(os.lstat(found).st_mode):
            note(lines, found, first_of)
    return lines


def below(folder: bytes) -> Iterator[bytes]:
    for entry in os.scandir(folder):
        yield entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from below(entry.path)


def key_of(path: bytes) -> str:
    return key_of_line(reader.spelled("path", path[1:]))


def key_of_line(line: dict[str, Any]) -> str:
    return line["path"] if "path" in line else "hex:" + line["path_hex"]


def note(lines: Manifest, path: bytes, first_of: dict[tuple[int, int], bytes]) -> None:
    status = os.lstat(path)
    form = stat.S_IFMT(status.st_mode)
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
             stat.S_IFCHR: "character device", stat.S_IFBLK: "block device"}
    line: dict[str, Any] = {"kind": kinds[form], "mode": stat.S_IMODE(status.st_mode),
                            "mtime": list(divmod(status.st_mtime_ns, 10**9)), "owner": [status.st_uid, status.st_gid]}
    with contextlib.suppress(KeyError):
        line["user"] = pwd.getpwuid(status.st_uid).pw_name
    with contextlib.suppress(KeyError):
        line["group"] = grp.getgrgid(status.st_gid).gr_name
    if form == stat.S_IFLNK:
        line |= reader.spelled("target", os.readlink(path))
    if form in (stat.S_IFCHR, stat.S_IFBLK):
        line["device"] = [os.major(status.st_rdev), os.minor(status.st_rdev)]
    attributes = sorted((os.fsencode(name), os.getxattr(path, name, follow_symlinks=False))
                        for name in os.listxattr(path, follow_symlinks=False))
    if attributes:
        line["attributes"] = [["xattr", name.hex(), value.hex()] for name, value in attributes]
    if status.st_nlink > 1 and form != stat.S_IFDIR:
        first = first_of.setdefault((status.st_dev, status.st_ino), path)
        if first != path:
            line |= reader.spelled("hard_link_of", first[1:])
    if form == stat.S_IFREG:
        with open(path, "rb") as file:
            line |= {"size": status.st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
            line |= {"holes": holes} if (holes := holes_of(file.fileno(), status.st_size)) else {}
    lines[key_of(path)] = line


def holes_of(file: int, size: int) -> list[list[int]]:
    holes, at = [], 0
    while at < size:
        try:
            data = os.lseek(file, at, os.SEEK_DATA)
        except OSError:
            data = size
        if data > at:
            holes.append([at, data - at])
        at = os.lseek(file, data, os.SEEK_HOLE) if data < size else size
    return holes


def joined(holes: list[list[int]]) -> list[list[int]]:
    """Holes with those made one that touch: the format may cut a long one in pieces."""
    whole: list[list[int]] = []
    for start, length in holes:
        if whole and sum(whole[-1]) == start:
            whole[-1][1] += length
        else:
            whole.append([start, length])
    return whole


def compare(expected: Manifest, lines: Manifest, what: str) -> None:
    for path in sorted(expected.keys() | lines.keys()):
        a, b = dict(expected.get(path, {})), dict(lines.get(path, {}))
        for line in (a, b):
            line.pop("path", None)
            line.pop("path_hex", None)
            if "holes" in line:
                line["holes"] = joined(line["holes"])
        want(a == b, f"{what}: {path!r}\n  the source had {a}\n  the snapshot has {b}")


# ---- The program, and this reader, on one repository ----

class Machine:
    """An installation of the program with a source of its own; `moments` holds the manifest of each snapshot."""

    def __init__(self, binary: Path, folder: Path, name: str, destination: Path, **more: str) -> None:
        self.binary, self.folder, self.destination = binary, folder / name, destination
        self.source = self.folder / "source"
        self.source.mkdir(parents=True)
        destination.mkdir(exist_ok=True)
        self.config = self.folder / "config.ini"
        extra = "".join(f"{key} = {value}\n" for key, value in more.items())
        self.config.write_text(f"[Credentials]\npassword = {PASSWORD}\n[Destination]\ndestination = {destination}\n{extra}"
                               f"[Backup]\nname = {name}\ndevice_name = {name}\nto_backup = {self.source}\n")
        self.config.chmod(0o600)
        self.moments: dict[str, Manifest] = {}
        self.recovery = ""

    def command(self, *words: str) -> list[str]:
        return [str(self.binary), *words, "--config", str(self.config), "--json"]

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": os.environ.get("PATH", "")}

    def call(self, *words: str) -> dict[str, Any]:
        done = subprocess.run(self.command(*words), env=self.environment, capture_output=True, text=True, timeout=300)
        want(done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()][-1]

    def backup(self, *words: str) -> dict[str, Any]:
        before = manifest_of(str(self.source))
        code = self.folder / "code"
        is_first = not any(self.destination.iterdir())  # this run makes the repository, and its code
        report = self.call("backup", *words, *(["--recovery-code-file", str(code)] if is_first else []))
        if is_first:
            self.recovery = code.read_text().strip()
        want(not report["problems"], f"the program met problems: {report['problems']}")
        if report["snapshot"]:
            self.moments[report["snapshot"]] = before
        return report

    def kill_in_the_middle(self) -> None:
        """Starts a backup and ends it without warning once it has stored a few objects."""
        before = len(list(self.destination.iterdir()))
        process = subprocess.Popen(self.command("backup"), env=self.environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(self.destination.iterdir())) < before + 4:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        want(process.wait() == -signal.SIGKILL, "the run was over before it could be ended")


def call_reader(secret: str, *arguments: str, code: int = 0) -> str:
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, KEEPMUM_PASSWORD=secret), contextlib.redirect_stdout(out), \
            contextlib.redirect_stderr(err):
        found = reader.main(list(arguments))
    want(found == code, f"reader {' '.join(arguments)} ended with {found}: {err.getvalue()}")
    return out.getvalue()
