"""What is measured: keepmum, and what every tool must answer.

A tool only says which commands do a step; it never measures, never judges its
own result and touches nothing but its `Place`. The other backup tools are in
`peers.py`, the floors in `floors.py`.
"""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.measure import Command

PASSWORD = "bench-jdndmnn$23"
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Place:
    """Where one tool works on one tree: all under one folder."""

    folder: Path
    source: Path
    label: str = ""  # of the last backup, for tools that name their snapshots

    @property
    def destination(self) -> Path:
        """The only folder that counts as uploaded."""
        return self.folder / "destination"

    @property
    def local(self) -> Path:
        """Caches, databases and keys: what stays on the machine."""
        return self.folder / "local"

    @property
    def home(self) -> Path:
        """The home folder that the tool sees."""
        return self.folder / "home"


class Tool:
    """Commands for each step; None where the tool cannot do it."""

    name = ""
    kind = "peer"  # keepmum, peer or floor
    restores_root = True  # whether owner, mode and times of the source's root come back

    def version(self) -> str | None:
        """One line that changes with the program; None when it is not installed."""
        return program_version(self.name, "--version")

    def prepare(self, place: Place) -> list[Command]:
        """Makes the repository; not measured."""
        return []

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """One backup of the source under a label."""
        raise NotImplementedError

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """The last backup, everything, into an empty folder."""
        return None

    def restored(self, place: Place, target: Path) -> Path:
        """Where in the target the source's root is after `restore`."""
        return target / str(place.source).lstrip("/")

    def restore_one(self, place: Place, path: str, target: Path, bare: bool) -> list[Command] | None:
        """One file by its path in the source; `bare` without any cache or database."""
        return None

    def check(self, place: Place) -> list[Command] | None:
        """A check that reads and verifies all data."""
        return None

    def prune(self, place: Place) -> list[Command] | None:
        """Forgets all but the last snapshot and gives the space back."""
        return None

    def fits(self, source: Path, step: str) -> bool:
        """Whether a step makes sense for this tool and tree."""
        return True


class Keepmum(Tool):
    """This project's binary, from the release build, at one level of compression."""

    kind = "keepmum"

    def __init__(self, compression: str = "default", binary: Path | None = None) -> None:
        self.compression = compression
        self.name = "keepmum" if compression == "default" else f"keepmum-{compression}"
        self.binary = binary or target_folder() / "release" / "keepmum"

    def version(self) -> str | None:
        """Version and a hash of the binary: a rebuilt one is measured afresh."""
        if not self.binary.exists():
            return None
        mark = hashlib.sha256(self.binary.read_bytes()).hexdigest()[:10]
        return f"{program_version(str(self.binary), '--version') or 'keepmum'} ({mark})"

    def prepare(self, place: Place) -> list[Command]:
        """Writes the config and makes the repository, as is done for the peers."""
        place.destination.mkdir(parents=True)
        place.local.mkdir(parents=True)
        text = (
            f"[Credentials]\npassword = {PASSWORD}\n\n"
            f"[DropBox]\ndrop_box_dir = {place.destination}\n\n"
            f"[DB]\ndb_path = {place.local / 'db'}\n\n"
            f"[Backup]\nto_backup = {place.source}\ncompression = {self.compression}\n"
        )
        for name, content in (("config.ini", text), ("password", PASSWORD + "\n")):
            path = place.folder / name
            path.write_text(content)
            path.chmod(0o600)
        return self._command(place, "init")

    def _command(self, place: Place, *words: object) -> list[Command]:
        return [Command([str(self.binary), *map(str, words), "-c", str(place.folder / "config.ini")])]

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """One run; `--accept-deletions` is not needed for any edit of the bench."""
        return self._command(place, "backup")

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """All of the latest snapshot; full paths appear under the target."""
        return self._command(place, "restore", "latest", "--target", target)

    def restore_one(self, place: Place, path: str, target: Path, bare: bool) -> list[Command] | None:
        """One path; `bare` knows the destination and the password only."""
        what = f"latest:{place.source / path}"
        if not bare:
            return self._command(place, "restore", what, "--target", target)
        words = [
            "restore",
            "--from",
            place.destination,
            "--password-file",
            place.folder / "password",
            what,
            "--target",
            target,
        ]
        return [Command([str(self.binary), *map(str, words)])]

    def check(self, place: Place) -> list[Command] | None:
        """Every byte decrypted and hashed."""
        return self._command(place, "check", "--read-data")

    def prune(self, place: Place) -> list[Command] | None:
        """Two commands: what one run intends, a later one sweeps. None while the binary knows neither."""
        if subprocess.run([self.binary, "forget", "--help"], capture_output=True).returncode != 0:
            return None
        return [
            *self._command(place, "forget", "--keep-last", "1", "--prune", "--accept"),
            *self._command(place, "prune"),
        ]


def target_folder() -> Path:
    """Where cargo puts what it builds."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def program_version(program: str, *arguments: str) -> str | None:
    """A program's name and version as it prints them, if it is installed."""
    if shutil.which(program) is None:
        return None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    number = re.search(r"\d+(\.\d+)+\S*", done.stdout)
    return f"{Path(program).name} {number[0]}" if done.returncode == 0 and number else None


def build() -> bool:
    """The release binary, and the bare pipeline where its example exists."""
    if not (ROOT / "Cargo.toml").exists():
        return False
    done = subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT)
    if done.returncode == 0 and bare_example():
        done = subprocess.run(
            ["cargo", "build", "--release", "--quiet", "--example", "bare_pipeline"], cwd=ROOT
        )
    return done.returncode == 0


def bare_example() -> bool:
    """Whether the example that measures the bare pipeline has been written."""
    return any(ROOT.glob("crates/*/examples/bare_pipeline*"))
