"""Where the time of each step goes: `perf` on a release binary, as a table.

The binary is built once more, with line tables and frame pointers, in a folder
of its own, so that the one that is measured by `bench/run` stays as users get
it. Times come from the same launcher as there, started below `perf`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness import documents, edits, steps
from harness.inlined import Expanded
from harness.measure import LAUNCHER, Command, environment, measure
from harness.report import machine, seconds, size
from harness.samples import OTHER, Profile, add_up, stacks
from harness.tools import ROOT, Keepmum, Place, target_folder
from harness.trash import Trash
from harness.trees import NAMES, Tree, find_or_make

STEPS = ("first", "nochange", "oneline", "rename", "writes", "insert", "restore", "one", "check")
LONG = ("first", "restore", "check", "writes", "insert")
RATES = {True: 1999, False: 9973}  # samples a second, in long and in short steps
OWN = "own code: "
SHORT = {
    "first": "first",
    "nochange": "no change",
    "oneline": "one line",
    "rename": "rename",
    "writes": "100 writes",
    "insert": "insert",
    "restore": "restore",
    "one": "one file",
    "check": "check",
}
LEAST, LEAST_ROOM = 0.005, 0.02  # a kind or a room that nowhere takes so much has no row of its own


def binary() -> Path:
    """Where the profiled binary lies."""
    return target_folder() / "profile" / "release" / "keepmum"


def build() -> bool:
    """The release binary with line tables and frame pointers, which stacks are read by."""
    more = {
        "CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only",
        "RUSTFLAGS": "-C force-frame-pointers=yes",
        "CFLAGS": "-fno-omit-frame-pointer",
    }
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--package", "keepmum-cli"]
    place = ["--target-dir", str(target_folder() / "profile")]
    return subprocess.run([*command, *place], cwd=ROOT, env={**os.environ, **more}).returncode == 0


class Profiler:
    """One tree, one repository, and one recording for each step."""

    def __init__(self, tree: Tree, wanted: list[str], work: Path) -> None:
        self.plan = steps.plan(wanted, edits.possible(tree), edits.one_file(tree.first) is not None)
        copied = any(steps.is_edit(step) for step in self.plan)
        self.source = edits.Source(tree, work / "copies" / tree.name, copied)
        self.work = work
        self.trash = Trash(work)
        self.tool = Keepmum(binary=binary())
        self.place = Place(work / "profiled" / tree.name, self.source.path)
        self.log = self.place.folder / "log"

    def run(self) -> list[tuple[str, dict, Profile]]:
        """Every step once; answers with its name, its cost and its samples."""
        self.trash.drop(self.place.folder)
        self.place.folder.mkdir(parents=True)
        if self.source.path != self.source.original:
            self.source.bring_to([])
        self.trash.empty()
        self.trash.settle()
        subprocess.run(
            ["bash", "-c", 'tar -cf - "$1" 2>/dev/null | cat >/dev/null', "warm", str(self.source.path)],
            check=True,
        )
        cost = measure(self.tool.prepare(self.place), self.place.home, self.log, 600)
        if not cost.ok:
            raise SystemExit(f"cannot make the repository: {cost.reason}")
        done = []
        for step in self.plan:
            if steps.is_edit(step):
                self.source.bring_to([*self.source.applied(), step])
            print(f"profiling: {steps.title(step)}", file=sys.stderr, flush=True)
            done.append((step, *self._record(step)))
        if self.source.path != self.source.original:
            self.source.bring_to([])
        self.trash.drop(self.place.folder)
        self.trash.empty()
        return done

    def _record(self, step: str) -> tuple[dict, Profile]:
        target = self.place.folder / "restored"
        self.trash.drop(target)
        target.mkdir(parents=True)
        if steps.is_backup(step):
            [command] = self.tool.backup(self.place, step)
        elif step == "one":
            one = edits.one_file(self.source.path)
            [command] = self.tool.restore_one(self.place, one, target, bare=False)
        else:
            [command] = (
                self.tool.restore(self.place, target) if step == "restore" else self.tool.check(self.place)
            )
        os.sync()
        cost, data = self._sampled(command, RATES[step in LONG])
        profile = self._read(data)
        data.unlink()
        self.trash.drop(target)
        return cost, profile

    def _sampled(self, command: Command, rate: int) -> tuple[dict, Path]:
        """Runs a command below `perf` and the launcher; the launcher's answer."""
        data = self.place.folder / "perf.data"
        job = {
            "argv": command.argv,
            "env": environment(self.place.home, command.env),
            "cwd": str(self.place.home),
            "stdout": os.devnull,
            "stderr": str(self.log),
            "timeout": 3600,
        }
        perf = [
            "perf",
            "record",
            "--quiet",
            "-F",
            str(rate),
            "-e",
            "cpu-clock",
            "--call-graph",
            "fp",
            "-o",
            str(data),
        ]
        words = [*perf, "--", sys.executable, "-I", "-S", str(LAUNCHER)]
        done = subprocess.run(words, input=json.dumps(job), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"perf record failed:\n{done.stderr}")
        cost = json.loads(done.stdout)
        if cost["exit"] != 0:
            raise SystemExit(f"exit {cost['exit']}: {' '.join(command.argv)}; see {self.log}")
        return cost, data

    def _read(self, data: Path) -> Profile:
        expanded = Expanded(binary(), data)
        words = ["perf", "script", "-i", str(data), "--no-inline", "-F", "comm,ip,sym,dso"]
        script = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert script.stdout is not None
        profile = add_up(expanded.all(stacks(script.stdout)))
        if script.wait() != 0 or not profile.total:
            raise SystemExit("perf script gave no samples")
        return profile


def table(done: list[tuple[str, dict, Profile]]) -> str:
    """One column for each step; a cell is the share of the step's samples."""
    profiles = [profile for _, _, profile in done]
    kinds = {kind for profile in profiles for kind in profile.kinds} - {OTHER}
    least = {kind: LEAST_ROOM if kind.startswith(OWN) else LEAST for kind in kinds}
    shown = [kind for kind in kinds if any(p.kinds[kind] >= least[kind] * p.total for p in profiles)]
    weight = {kind: max(p.kinds[kind] / p.total for p in profiles) for kind in shown}
    shown.sort(key=lambda kind: (kind.startswith(OWN), kind.startswith("kernel"), -weight[kind], kind))
    rest, rooms = [], []
    for p in profiles:
        small = [kind for kind in p.kinds if kind not in shown]
        rooms.append(sum(p.kinds[kind] for kind in small if kind.startswith(OWN)) / p.total)
        rest.append(sum(p.kinds[kind] for kind in small if not kind.startswith(OWN)) / p.total)
    threads = sorted({thread for p in profiles for thread in p.threads})
    rows = [
        ("wall time", [seconds(cost["wall"]) for _, cost, _ in done]),
        ("CPU time, user + system", [f"{cost['user']:.2f} + {cost['sys']:.2f} s" for _, cost, _ in done]),
        ("cores busy (CPU ÷ wall)", [f"{(c['user'] + c['sys']) / c['wall']:.2f}" for _, c, _ in done]),
        ("peak memory", [size(cost["peak"]) for _, cost, _ in done]),
        *((kind, [_share(p.kinds[kind] / p.total) for p in profiles]) for kind in shown),
        (f"{OWN}other rooms", [_share(share) for share in rooms]),
        ("everything else", [_share(share) for share in rest]),
        *((f"thread {name}", [_share(p.threads[name] / p.total) for p in profiles]) for name in threads),
        ("samples", [f"{p.total:,}" for p in profiles]),
    ]
    head = ["| | " + " | ".join(SHORT.get(step, steps.title(step)) for step, _, _ in done) + " |"]
    head.append("|---" * (len(done) + 1) + "|")
    return "\n".join([*head, *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows)]) + "\n"


def _share(share: float) -> str:
    return f"{100 * share:.1f} %" if share else "–"


def ready() -> str:
    """What is missing for a profile, in one sentence; empty when nothing is."""
    if shutil.which("perf") is None:
        return "perf is not installed (Debian: apt-get install linux-perf); without it there is no profile"
    if shutil.which("addr2line") is None:
        return "addr2line is not installed (Debian: apt-get install binutils); names would be too coarse without it"
    try:
        paranoid = int(Path("/proc/sys/kernel/perf_event_paranoid").read_text())
        hidden = int(Path("/proc/sys/kernel/kptr_restrict").read_text())
    except (OSError, ValueError):
        return ""
    if os.geteuid() != 0 and (paranoid > 1 or hidden):
        return "the kernel does not show itself to perf: as root, set kernel.perf_event_paranoid=1 and kernel.kptr_restrict=0"
    return ""


def main(words: list[str]) -> int:
    """The command line of `bench/profile`."""
    parser = argparse.ArgumentParser(
        prog="bench/profile", description="Where the time goes; example: bench/profile --tree sysroot"
    )
    parser.add_argument(
        "--tree", default="sysroot", metavar="NAME|PATH", help=", ".join(NAMES) + ", or a folder"
    )
    parser.add_argument("--steps", help="of " + ", ".join(STEPS))
    parser.add_argument(
        "--work", type=Path, default=ROOT / "target" / "bench", help="work folder (target/bench)"
    )
    parser.add_argument("--quick", action="store_true", help="small generated trees")
    parser.add_argument("--no-build", action="store_true", help="take the profiled binary as it is")
    parser.add_argument("--document", type=Path, help="a file whose marked block gets the table")
    given = parser.parse_args(words)
    wanted = given.steps.split(",") if given.steps else list(STEPS)
    if unknown := set(wanted) - set(STEPS):
        parser.error(f"unknown steps: {', '.join(sorted(unknown))}")
    if problem := ready():
        print(problem, file=sys.stderr)
        return 1
    if not given.no_build and not build():
        print("keepmum could not be built", file=sys.stderr)
        return 1
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    tree = find_or_make(given.tree, work, given.quick)
    done = Profiler(tree, wanted, work).run()
    for step, _, profile in done:
        if profile.kinds[OTHER] > 0.05 * profile.total:
            names = ", ".join(f"{name} ({count})" for name, count in profile.others.most_common(8))
            print(
                f"{steps.title(step)}: {profile.kinds[OTHER]} of {profile.total} unnamed: {names}",
                file=sys.stderr,
            )
    caption = f"**{tree.name}**: {tree.entries:,} entries, {size(tree.bytes)}; {machine()}"
    text = f"{caption}\n\n{table(done)}"
    if given.document:
        documents.fill(given.document, "profile", lambda name: text if name == tree.name else None)
    else:
        print(text)
    return 0
