"""The repositories of testdata/repositories are given back as they are meant to be for ever."""
from __future__ import annotations

import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from program import PASSWORD, Manifest, call_reader, compare, key_of_line, note

FROZEN = Path(__file__).resolve().parent.parent / "testdata" / "repositories"


def lines_of(text: str) -> Manifest:
    return {key_of_line(line): line for line in map(json.loads, text.splitlines())}


class Frozen(unittest.TestCase):
    def versions(self) -> list[Path]:
        found = sorted(path for path in FROZEN.iterdir() if path.is_dir())
        self.assertTrue(found)
        return found

    def test_manifests(self) -> None:
        for version in self.versions():
            secrets = [PASSWORD, (version / "recovery-code").read_text().strip(), (version / "recovery-code").read_text()]
            expected = sorted((version / "expected").glob("*.jsonl"))
            listed = call_reader(secrets[1], "list", str(version / "repository"))
            self.assertEqual(sorted(line.split("\t")[0] for line in listed.splitlines()), [p.stem for p in expected])
            for secret, path in zip(secrets, expected, strict=True):
                found = call_reader(secret, "manifest", str(version / "repository"), path.stem)
                compare(lines_of(path.read_text()), lines_of(found), f"{version.name} {path.stem}")

    def test_restore(self) -> None:
        """What is restored, looked at without the reader; owners, and the attributes of a poor file system, left out."""
        for version in self.versions():
            secret = (version / "recovery-code").read_text()
            for path in (version / "expected").glob("*.jsonl"):
                target = tempfile.mkdtemp()
                self.addCleanup(shutil.rmtree, target)
                call_reader(secret, "restore", str(version / "repository"), path.stem, target)
                for key, line in lines_of(path.read_text()).items():
                    whole = os.path.join(target, key)
                    if key.startswith("hex:"):
                        whole = os.path.join(target, os.fsdecode(bytes.fromhex(key[4:])))
                    self.check(line, os.fsencode(whole))

    def check(self, line: dict[str, object], path: bytes) -> None:
        found = described(path)
        for aspect in ("kind", "mode", "mtime", "size", "sha256", "target"):
            if aspect in line:
                self.assertEqual(found.get(aspect), line[aspect], (path, aspect))


def described(path: bytes) -> dict[str, object]:
    lines: Manifest = {}
    note(lines, path, {})
    return lines.popitem()[1]


if __name__ == "__main__":
    unittest.main()
