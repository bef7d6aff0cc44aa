"""Floors: what the machine needs for the plain work below a backup.

They encrypt nothing and keep one state only; no backup tool can be expected to
be faster than the floor of its step. A floor takes part in the steps it stands for.
"""

import shutil
from pathlib import Path

from harness.measure import Command
from harness.tools import Place, Tool, bare_example, program_version, target_folder


class Floor(Tool):
    """A floor; `steps` are the steps it stands for."""

    kind = "floor"
    steps: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def version(self) -> str | None:
        """The version of its first program."""
        if any(shutil.which(program) is None for program in self.programs):
            return None
        return program_version(self.programs[0], "--version")

    def prepare(self, place: Place) -> list[Command]:
        """Only the folder."""
        place.destination.mkdir(parents=True)
        return []

    def fits(self, source: Path, step: str) -> bool:
        """Floors do not repeat what the first of them has shown."""
        return step in self.steps

    def restored(self, place: Place, target: Path) -> Path:
        """Floors give back a folder of the source's name."""
        return target / place.source.name


class Copy(Floor):
    """cp -a: all files created again, the floor of a restore."""

    name = "cp"
    steps = ("first", "restore")
    programs = ("cp",)

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """Without reflinks, which would copy nothing."""
        return [Command(["cp", "-a", "--reflink=never", str(place.source), str(place.destination)])]

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """From the live source: the copy of the first step lacks the edits since."""
        return [Command(["cp", "-a", "--reflink=never", str(place.source), str(target)])]


class Find(Floor):
    """find: every entry's size and time, the floor of a run without a change."""

    name = "find"
    steps = ("nochange",)
    programs = ("find",)

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """Its output is thrown away."""
        return [Command(["find", str(place.source), "-printf", "%s %T@\\n"])]


class TarZstd(Floor):
    """tar | zstd -3 -T2: everything read and compressed, the floor of a first run."""

    name = "tar|zstd"
    steps = ("first",)
    programs = ("tar", "zstd")

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """A pipeline that fails when either end does."""
        line = 'set -o pipefail; tar -C "$1" -cf - "$2" | zstd -q -3 -T2 > "$3/archive.tar.zst"'
        source = place.source
        return [Command(["bash", "-c", line, "tar", str(source.parent), source.name, str(place.destination)])]


class Bare(Floor):
    """The bare pipeline: keepmum's own primitives on one file, nothing around them."""

    name = "bare"
    steps = ("first",)

    def version(self) -> str | None:
        """Exists once the example has been built."""
        binary = target_folder() / "release" / "examples" / "bare_pipeline"
        return "bare_pipeline, storing" if bare_example() and binary.exists() else None

    def fits(self, source: Path, step: str) -> bool:
        """Only trees that are one file."""
        return step in self.steps and _only_file(source) is not None

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """Sealed objects, each synced, and nothing that would find them again."""
        binary = target_folder() / "release" / "examples" / "bare_pipeline"
        return [Command([str(binary), str(_only_file(place.source)), str(place.destination)])]


def _only_file(source: Path) -> Path | None:
    """The file of a tree that holds nothing else."""
    found = list(source.iterdir())[:2]
    return found[0] if len(found) == 1 and found[0].is_file() else None


FLOORS = (Copy, Find, TarZstd, Bare)
