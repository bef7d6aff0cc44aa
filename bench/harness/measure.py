"""Measuring: what a command cost, and what it changed in the destination.

Figures come from the operating system alone (wait4 for time and memory, a
listing of the destination before and after for uploads), never from what a tool
says about itself, so that all tools are held to the same ruler.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
FOREIGN = ("RESTIC_", "BORG_", "RUSTIC_", "BUPSTASH_", "KEEPMUM_", "XDG_")


@dataclass
class Command:
    """One command of a step; a step may need several."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stdout: Path | None = None


@dataclass
class Cost:
    """What the commands of one step took together: seconds and bytes."""

    wall: float = 0.0
    user: float = 0.0
    sys: float = 0.0
    peak: int = 0
    flush: float = 0.0  # seconds until what the commands had left unwritten was on the disk
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether every command ended with exit code 0."""
        return not self.reason


def environment(home: Path, more: dict[str, str]) -> dict[str, str]:
    """The environment of a command: the caller's without any tool's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


def measure(commands: list[Command], home: Path, log: Path, timeout: int) -> Cost:
    """Runs the commands one after the other; stops at the first that fails.

    `timeout` is in seconds and counts for each command.
    """
    total = Cost()
    home.mkdir(parents=True, exist_ok=True)
    for command in commands:
        job = {
            "argv": [str(word) for word in command.argv],
            "env": environment(home, command.env),
            "cwd": str(command.cwd or home),
            "stdout": str(command.stdout or os.devnull),
            "stderr": str(log),
            "timeout": timeout,
        }
        result = json.loads(_launch(job))
        total.wall += result["wall"]
        total.user += result["user"]
        total.sys += result["sys"]
        total.peak = max(total.peak, result["peak"])
        if result["late"]:
            total.reason = f"stopped after {timeout} s"
        elif result["exit"] != 0:
            total.reason = f"exit {result['exit']}"
        if total.reason:
            break
    return total


def _launch(job: dict) -> str:
    """One command through the launcher; its JSON answer."""
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-S", str(LAUNCHER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        answer, _ = launcher.communicate(json.dumps(job))
    except BaseException:
        launcher.terminate()
        launcher.wait()
        raise
    if launcher.returncode != 0:
        raise RuntimeError(f"the launcher ended with {launcher.returncode}")
    return answer


def flushed() -> float:
    """Brings all that was written to the disk; answers with how many seconds that took."""
    begin = time.monotonic()
    os.sync()
    return time.monotonic() - begin


Listing = dict[str, tuple[int, int]]


def listing(folder: Path) -> Listing:
    """Every file below a folder: relative name to (size, mtime in ns)."""
    found: Listing = {}
    pending = [str(folder)] if folder.is_dir() else []
    skip = len(str(folder)) + 1
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    stat = entry.stat(follow_symlinks=False)
                    found[entry.path[skip:]] = (stat.st_size, stat.st_mtime_ns)
    return found


def uploads(before: Listing, after: Listing) -> dict[str, int]:
    """What a sync client would carry away: new or changed, and deleted."""
    new = [size for name, (size, mtime) in after.items() if before.get(name) != (size, mtime)]
    gone = [size for name, (size, _) in before.items() if name not in after]
    return {
        "new_files": len(new),
        "new_bytes": sum(new),
        "deleted_files": len(gone),
        "deleted_bytes": sum(gone),
        "stored_files": len(after),
        "stored_bytes": sum(size for size, _ in after.values()),
    }
