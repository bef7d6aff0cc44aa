"""Runs one command and reports its time, CPU time and peak memory as JSON.

A process of its own, because the kernel counts the memory of the process that
forks towards the peak of what it starts: under a harness that holds the listing
of a large tree every tool would look as large as the harness. Started with
`python -I -S`, this one stays at about 10 MB, the least peak that can be seen.
It reads one job from standard input and must never import the harness.
"""

import json
import os
import signal
import sys
import time


def _child(job: dict) -> None:
    """Becomes the command; never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        out = os.open(job["stdout"], flags, 0o644)
        err = os.open(job["stderr"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for source, target in ((null, 0), (out, 1), (err, 2)):
            os.dup2(source, target)
        os.chdir(job["cwd"])
        os.execvpe(job["argv"][0], job["argv"], job["env"])
    except OSError as error:
        os.write(2, f"cannot start {job['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(127)


def main() -> None:
    """Starts the command in its own process group and waits for it."""
    job = json.load(sys.stdin)
    late = False
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(job)

    def stop(number: int, _frame: object) -> None:
        nonlocal late
        late = late or number == signal.SIGALRM
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            os.kill(pid, signal.SIGKILL)

    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(int(job["timeout"]))
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - start
    signal.alarm(0)
    json.dump(
        {
            "wall": wall,
            "user": usage.ru_utime,
            "sys": usage.ru_stime,
            "peak": usage.ru_maxrss * 1024,
            "exit": os.waitstatus_to_exitcode(status),
            "late": late,
        },
        sys.stdout,
    )


main()
