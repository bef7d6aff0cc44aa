#!/usr/bin/env python3
"""An independent reader of keepmum repositories: lists snapshots and gives back what they hold. See README.md."""
from __future__ import annotations

import argparse
import getpass
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from repository import BLOCK, CHARACTER, FILE, KIB, KINDS, MIB, SYMLINK, Destination, Entry, Problem, Report
from repository import moment_text, shown
from restore import Restorer


def list_snapshots(destination: Destination, _: argparse.Namespace, report: Report) -> None:
    for snapshot in destination.snapshots:
        repository, record, summary = snapshot.repository, snapshot.record, snapshot.body.get(1)
        here, wanted = repository.state(snapshot)
        files = summary.get(0, "?") if type(summary) is dict else "?"
        print(snapshot.id, moment_text(snapshot), shown(repository.device_name(record.device)),
              shown(snapshot.source), f"{files} files",
              "complete" if repository.complete(snapshot) else f"pending {here} of {wanted}", sep="\t")
    for where, problem in destination.troubles():
        report.code = max(report.code, problem.code)
    report.note(f"{len(destination.snapshots)} snapshots; {destination.foreign} foreign files ignored")


def restore(destination: Destination, options: argparse.Namespace, report: Report) -> None:
    Restorer(options.target, options.special, report).restore(destination.choose(options.snapshot, report))


def ls(destination: Destination, options: argparse.Namespace, report: Report) -> None:
    snapshot = destination.choose(options.snapshot, report)
    for path, item in snapshot.repository.walk(snapshot):
        if isinstance(item, Problem):
            report.problem(shown(b"/".join(path)) or "/", item)
            continue
        size = item.content[0] if item.kind == FILE and type(item.content) is list and item.content else "-"
        tail = f" -> {shown(item.target)}" if item.kind == SYMLINK else ""
        mode = "????" if item.mode is None else f"{item.mode:04o}"
        print(f"{KINDS[item.kind][0]} {mode} {size:>12} {shown(b'/'.join(path))}{tail}")


def spelled(key: str, value: bytes) -> dict[str, str]:
    """A byte string for JSON: as text where it is UTF-8, else as KEY_hex."""
    try:
        return {key: value.decode()}
    except UnicodeDecodeError:
        return {f"{key}_hex": value.hex()}


def manifest(destination: Destination, options: argparse.Namespace, report: Report) -> None:
    snapshot = destination.choose(options.snapshot, report)
    first_of: dict[tuple[int, str], bytes] = {}
    for path, item in snapshot.repository.walk(snapshot):
        line: dict[str, Any] = spelled("path", b"/".join(path))
        try:
            if isinstance(item, Problem):
                raise item
            item = replace(item, attributes=snapshot.repository.attributes(item, b"/".join(path), report))
            line |= described(item, b"/".join(path), first_of)
            if item.kind == FILE:
                line |= digest(snapshot.repository.content(item.content))
        except Problem as problem:
            line["error"] = problem.word
            report.problem(shown(b"/".join(path)) or "/", problem)
        print(json.dumps(line, sort_keys=True))


def described(entry: Entry, path: bytes, first_of: dict[tuple[int, str], bytes]) -> dict[str, Any]:
    line: dict[str, Any] = {"kind": KINDS[entry.kind]}
    line |= {"mode": entry.mode} if entry.mode is not None else {}
    line |= {"owner": entry.owner} if entry.owner else {}
    line |= {"mtime": entry.mtime} if entry.mtime else {}
    for key, name in (("user", entry.user), ("group", entry.group)):
        line |= spelled(key, name) if name is not None else {}
    if entry.kind == SYMLINK:
        line |= spelled("target", entry.target)
    if entry.kind in (CHARACTER, BLOCK):
        line["device"] = entry.device
    if entry.attributes:
        line["attributes"] = [[space, name.hex(), value.hex()] for space, name, value in entry.attributes]
    same = entry.kind == FILE and entry.link is not None
    if same and (first := first_of.setdefault(repr(replace(entry, name=b"")), path)) != path:
        line |= spelled("hard_link_of", first)
    return line


def digest(content: Iterator[tuple[int, bytes | None]]) -> dict[str, Any]:
    sha, size, holes, zeros = hashlib.sha256(), 0, [], bytes(MIB)
    for length, data in content:
        if data is None:
            holes.append([size, length])
            for start in range(0, length, MIB):
                sha.update(zeros[:min(MIB, length - start)])
        else:
            sha.update(data)
        size += length
    return {"size": size, "sha256": sha.hexdigest()} | ({"holes": holes} if holes else {})


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Problem(f"{message}; {self.format_usage().strip()}")


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(description="Reads keepmum repositories, format version 0.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, action, about in (("list", list_snapshots, "the snapshots"), ("ls", ls, "what is in a snapshot"),
                                ("manifest", manifest, "one line of JSON for each entry, with SHA-256 of contents"),
                                ("restore", restore, "everything in a snapshot, into an empty folder")):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("destination")
        if action is not list_snapshots:
            command.add_argument("snapshot", help="the beginning of its id, or 'latest'")
        if action is restore:
            command.add_argument("target", help="a folder that is empty or not there yet")
            command.add_argument("--special", action="store_true", help="restore devices too (root only)")
        command.add_argument("--password-file", help="a file whose text is the password or the recovery code")
        command.set_defaults(action=action)
    return parser.parse_args(arguments)


def typed_secret(options: argparse.Namespace) -> str:
    """The password or recovery code; of a file the first line."""
    if options.password_file:
        try:
            with open(options.password_file, encoding="utf-8", newline="") as file:
                return re.sub(r"\r?\n.*\Z", "", file.read(64 * KIB), flags=re.DOTALL)
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"the password file cannot be read ({error})") from None
    return os.environ.get("KEEPMUM_PASSWORD") or getpass.getpass("Password or recovery code: ")


def main(arguments: list[str] | None = None) -> int:
    report = Report()
    try:
        options = parse_arguments(arguments)
        destination = Destination(options.destination, typed_secret(options), report)
        before = list(destination.troubles())
        options.action(destination, options, report)
        for where, problem in before:
            report.note(f"{where}: {problem.word}: {problem}")
        return report.code
    except Problem as problem:
        report.note(f"error: {problem}")
        return problem.code
    except OSError as error:
        report.note(f"error: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
