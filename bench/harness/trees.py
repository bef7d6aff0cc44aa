"""Finds or makes the trees that are backed up.

Real files wherever possible (a toolchain, package sources, any folder of your
own), and generated ones that come out the same on every machine. A found tree
is only ever read; a made one lies under the work folder beside a stamp that is
written last, so that an interrupted making is begun again.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import versions

GIB = 1 << 30
NAMES = ("sysroot", "sources", "image", "random", "many", "many-million", "versions")
ROOT = Path(__file__).resolve().parents[2]
START = 1_600_000_000  # mtime of generated files, in seconds


@dataclass
class Tree:
    """A folder to back up; bytes are those of regular files, every hard link counted."""

    name: str
    path: str
    entries: int
    bytes: int
    series: bool = False  # subfolders are successive versions of one tree

    @property
    def first(self) -> Path:
        """What the first run saves."""
        return Path(self.path) / "01" if self.series else Path(self.path)


def count(path: Path) -> tuple[int, int]:
    """Entries below a folder (itself included) and bytes in regular files."""
    entries, size, pending = 1, 0, [str(path)]
    while pending:
        with os.scandir(pending.pop()) as found:
            for entry in found:
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    size += entry.stat(follow_symlinks=False).st_size
    return entries, size


def sysroot() -> Path:
    """The Rust toolchain in use."""
    done = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def sources() -> Path:
    """The unpacked package sources that cargo keeps."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    folder = home / "registry" / "src"
    if not folder.is_dir():
        raise SystemExit(
            f"{folder} is not there; run `cargo fetch` in any Rust project first, or give a path"
        )
    return folder


def make_image(target: Path, size: int) -> None:
    """One file: tar of real trees, again and again, cut at `size` bytes."""
    command = [
        "tar",
        "--sort=name",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--format=gnu",
        "-C",
        "/",
        "-cf",
        "-",
        *(str(p).lstrip("/") for p in (sysroot(), sources())),
    ]
    left = size
    with open(target / "image.raw", "wb") as out:
        while left:
            tar = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert tar.stdout is not None
            while left and (block := tar.stdout.read(min(left, 1 << 20))):
                out.write(block)
                left -= len(block)
            tar.stdout.close()
            if tar.wait() != 0 and left:
                raise SystemExit("tar failed while making the image")
    os.utime(target / "image.raw", (START, START))


def make_random(target: Path, size: int) -> None:
    """One file of bytes that do not compress: SHAKE-128 of a counter."""
    with open(target / "random.raw", "wb") as out:
        for number in range(0, size, 1 << 20):
            seed = b"keepmum bench random %d" % number
            out.write(hashlib.shake_128(seed).digest(min(1 << 20, size - number)))
    os.utime(target / "random.raw", (START, START))


def make_many(target: Path, files: int) -> None:
    """Tiny text files, a hundred in each folder, a hundred folders in each top folder."""
    dice = random.Random("keepmum bench many")
    letters = "aaabcdeeeefghiiijklmnnooopqrrsstttuuvwxyz"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 11))) for _ in range(3000)]
    for first in range(0, files, 100):
        folder = target / f"top-{first // 10_000:03}" / f"folder-{first // 100 % 100:02}"
        folder.mkdir(parents=True)
        text = dice.choices(words, k=100 * 140)
        for number in range(min(100, files - first)):
            length = dice.randint(10, 205)
            at = dice.randrange(len(text) - length)
            lines = [" ".join(text[i : i + 12]) for i in range(at, at + length, 12)]
            name = folder / f"note-{number:02}.txt"
            name.write_text("\n".join(lines) + "\n")
            os.utime(name, (START + first, START + first))
        os.utime(folder, (START, START))


def find_or_make(name: str, work: Path, quick: bool = False) -> Tree:
    """A tree by name, or any folder by path; `quick` makes generated ones small."""
    if name == "sysroot":
        return _tree(name, sysroot())
    if name == "sources":
        return _tree(name, sources())
    size = GIB // 8 if quick else 2 * GIB
    makers: dict[str, Callable[[Path], None]] = {
        "image": lambda target: make_image(target, size),
        "random": lambda target: make_random(target, size),
        "many": lambda target: make_many(target, 10_000 if quick else 200_000),
        "many-million": lambda target: make_many(target, 50_000 if quick else 1_000_000),
        "versions": lambda target: versions.make(target, sources()),
    }
    if name in makers:
        return _made(known_as(name, quick), work / "trees", makers[name])
    path = Path(name).resolve()
    if not path.is_dir():
        raise SystemExit(f"{name} is neither a folder nor one of: {', '.join(NAMES)}")
    return _tree(known_as(name, quick), path)


def known_as(name: str, quick: bool = False) -> str:
    """The name of a tree in the rows of figures; that of a path tells no more than its last part."""
    if name in NAMES:
        return name + ("-quick" if quick and name not in ("sysroot", "sources", "versions") else "")
    path = Path(name).resolve()
    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:6]
    return f"{path.name or 'root'}-{mark}"


def _tree(name: str, path: Path) -> Tree:
    return Tree(name, str(path), *count(path))


def _made(name: str, folder: Path, make: Callable[[Path], None]) -> Tree:
    """A generated tree: as it is when its stamp is there, else made afresh."""
    target, stamp = folder / name, folder / f"{name}.json"
    if not stamp.exists():
        remove(target)
        target.mkdir(parents=True)
        make(target)
        series = name == "versions"
        tree = _tree(name, target / "01" if series else target)
        tree.series = series
        stamp.write_text(json.dumps(asdict(tree)) + "\n")
    return Tree(**{**json.loads(stamp.read_text()), "path": str(target)})


def remove(path: Path) -> None:
    """Removes a folder that the bench made, also one with folders that deny it."""

    def open_up(function: Callable, name: str, _error: object) -> None:
        os.chmod(os.path.dirname(name), stat.S_IRWXU)
        if os.path.isdir(name) and not os.path.islink(name):
            os.chmod(name, stat.S_IRWXU)
        function(name)

    if path.exists():
        shutil.rmtree(path, onerror=open_up)


def main(arguments: list[str]) -> int:
    """The command line of `bench/trees`."""
    parser = argparse.ArgumentParser(
        prog="bench/trees", description="Makes or finds trees; example: bench/trees sysroot many /home/x"
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME|PATH",
        help=", ".join(NAMES) + ", or a folder (default: all but many-million)",
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "target" / "bench", help="work folder (target/bench)"
    )
    parser.add_argument("--million", action="store_true", help="a million files in `many` instead of 200,000")
    parser.add_argument("--quick", action="store_true", help="small versions of the generated trees")
    given = parser.parse_args(arguments)
    names = given.names or [name for name in NAMES if name != "many-million"]
    for name in names:
        if name == "many" and given.million:
            name = "many-million"
        tree = find_or_make(name, given.work.resolve(), given.quick)
        print(f"{tree.name:16} {tree.entries:>9,} entries {tree.bytes:>15,} bytes  {tree.path}", flush=True)
    return 0
