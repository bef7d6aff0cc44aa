"""The other backup tools, as their users run them, on local folders.

restic and rustic use repository format 2 with their automatic compression, Borg
`repokey` and `zstd,3`, bupstash its defaults. Making the repository is not
measured for any of them.
"""

from pathlib import Path

from harness.measure import Command
from harness.tools import PASSWORD, Place, Tool, program_version


class Restic(Tool):
    """restic: chunks in packs, one index, one cache folder."""

    name = "restic"

    def version(self) -> str | None:
        """restic has a subcommand for it."""
        return program_version("restic", "version")

    def _command(self, place: Place, *words: object, cache: str = "cache") -> list[Command]:
        fixed = [
            "restic",
            "--quiet",
            "-r",
            place.destination,
            "--cache-dir",
            place.local / cache,
            "--compression",
            "auto",
        ]
        return [Command([str(w) for w in (*fixed, *words)], {"RESTIC_PASSWORD": PASSWORD})]

    def prepare(self, place: Place) -> list[Command]:
        """Format 2, which is the one that compresses."""
        return self._command(place, "init", "--repository-version", "2")

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """By absolute path, as its manual does."""
        return self._command(place, "backup", "--host", "bench", place.source)

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """Full paths appear under the target."""
        return self._command(place, "restore", "latest", "--target", target)

    def restore_one(self, place: Place, path: str, target: Path, bare: bool) -> list[Command] | None:
        """By an include; `bare` with an empty cache."""
        cache = f"bare-{target.name}" if bare else "cache"
        return self._command(
            place, "restore", "latest", "--target", target, "--include", place.source / path, cache=cache
        )

    def check(self, place: Place) -> list[Command] | None:
        """Reads all packs."""
        return self._command(place, "check", "--read-data")

    def prune(self, place: Place) -> list[Command] | None:
        """With the default tolerance for unused space."""
        return self._command(place, "forget", "--keep-last", "1", "--prune")


class Rustic(Tool):
    """rustic: restic's format, written in Rust."""

    name = "rustic"
    restores_root = False

    def _command(self, place: Place, *words: object, cache: str = "cache") -> list[Command]:
        more = {
            "RUSTIC_PASSWORD": PASSWORD,
            "RUSTIC_REPOSITORY": str(place.destination),
            "RUSTIC_CACHE_DIR": str(place.local / cache),
            "RUSTIC_NO_PROGRESS": "true",
        }
        return [Command(["rustic", "--no-progress", *map(str, words)], more)]

    def prepare(self, place: Place) -> list[Command]:
        """Its default is format 2 with compression."""
        return self._command(place, "init")

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """By absolute path."""
        return self._command(place, "backup", "--host", "bench", place.source)

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """The source's content lands in the target itself."""
        return self._command(place, "restore", f"latest:{place.source}", target)

    def restored(self, place: Place, target: Path) -> Path:
        """No path above the source is made."""
        return target

    def restore_one(self, place: Place, path: str, target: Path, bare: bool) -> list[Command] | None:
        """One path of the snapshot; `bare` with an empty cache."""
        cache = f"bare-{target.name}" if bare else "cache"
        return self._command(
            place, "restore", f"latest:{place.source / path}", target / Path(path).name, cache=cache
        )

    def check(self, place: Place) -> list[Command] | None:
        """Reads all packs."""
        return self._command(place, "check", "--read-data")

    def prune(self, place: Place) -> list[Command] | None:
        """Without the two-phase delay, so that space is given back as by restic."""
        return self._command(place, "forget", "--keep-last", "1", "--prune", "--instant-delete")


class Borg(Tool):
    """Borg 1: one process, segments and an index that is written again."""

    name = "borg"

    def _command(
        self, place: Place, *words: object, base: str = "base", cwd: Path | None = None
    ) -> list[Command]:
        more = {
            "BORG_PASSPHRASE": PASSWORD,
            "BORG_BASE_DIR": str(place.local / base),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
            "BORG_HOST_ID": "bench@0",
        }
        return [Command(["borg", *map(str, words)], more, cwd)]

    def prepare(self, place: Place) -> list[Command]:
        """The key lies in the repository, as with the others."""
        return self._command(place, "init", "--encryption", "repokey", place.destination)

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """One archive named by the step."""
        return self._command(
            place, "create", "--compression", "zstd,3", f"{place.destination}::{label}", place.source
        )

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """Into the current folder, with numeric owners as the others do as root."""
        return self._command(
            place, "extract", "--numeric-ids", f"{place.destination}::{place.label}", cwd=target
        )

    def restore_one(self, place: Place, path: str, target: Path, bare: bool) -> list[Command] | None:
        """One path of the archive; `bare` with an empty cache and security folder."""
        base = f"bare-{target.name}" if bare else "base"
        inside = str(place.source / path).lstrip("/")
        return self._command(
            place, "extract", f"{place.destination}::{place.label}", inside, base=base, cwd=target
        )

    def check(self, place: Place) -> list[Command] | None:
        """Repository and archives, all data decrypted."""
        return self._command(place, "check", "--verify-data", place.destination)

    def prune(self, place: Place) -> list[Command] | None:
        """Space comes back by the second command only."""
        return [
            *self._command(place, "prune", "--keep-last", "1", place.destination),
            *self._command(place, "compact", place.destination),
        ]


class Bupstash(Tool):
    """bupstash: a tar-like stream in small objects; unlocked by a key file."""

    name = "bupstash"
    restores_root = False

    def _command(
        self, place: Place, *words: object, cache: str = "query", stdout: Path | None = None
    ) -> list[Command]:
        more = {
            "BUPSTASH_REPOSITORY": str(place.destination),
            "BUPSTASH_KEY": str(place.folder / "key"),
            "BUPSTASH_QUERY_CACHE": str(place.local / cache),
            "BUPSTASH_SEND_LOG": str(place.local / "send"),
        }
        return [Command(["bupstash", *map(str, words)], more, stdout=stdout)]

    def prepare(self, place: Place) -> list[Command]:
        """A key without a password; it has no check of data and no key derivation."""
        place.local.mkdir(parents=True)
        return [*self._command(place, "new-key", "-o", place.folder / "key"), *self._command(place, "init")]

    def backup(self, place: Place, label: str) -> list[Command] | None:
        """With a send log, its way to be incremental."""
        return self._command(place, "put", "-q", f"label={label}", "::", place.source)

    def restore(self, place: Place, target: Path) -> list[Command] | None:
        """The source's content lands in the target itself."""
        return self._command(
            place, "restore", "-q", "--ownership", "--xattrs", "--into", target, f"label={place.label}"
        )

    def restored(self, place: Place, target: Path) -> Path:
        """No path above the source is made."""
        return target

    def restore_one(self, place: Place, path: str, target: Path, bare: bool) -> list[Command] | None:
        """The content only, to standard output."""
        cache = f"bare-{target.name}" if bare else "query"
        return self._command(
            place,
            "get",
            "-q",
            "--pick",
            path,
            f"label={place.label}",
            cache=cache,
            stdout=target / Path(path).name,
        )


PEERS = (Restic, Rustic, Borg, Bupstash)
