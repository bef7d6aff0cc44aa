"""Puts the functions back into a stack that the compiler has merged into others.

With optimisation across crates most of a hot loop is inlined into its caller,
and a stack of symbols would name the caller only. `addr2line` knows from the
line tables what stood where; it is asked once for each address. A name is then
followed by the file that it is written in, because inlined functions come
without their crate, and C functions without their library.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.samples import Frame

MAPPED = re.compile(r"\[(0x[0-9a-f]+)\((0x[0-9a-f]+)\) @ (0x[0-9a-f]+|0) .*\]: \S*x\S* (/.*)")
LOADED = re.compile(r"LOAD\s+(0x[0-9a-f]+)\s+(0x[0-9a-f]+)\s+\S+\s+(0x[0-9a-f]+)")


class Expanded:
    """The stacks of one recording with the inlined functions of one binary."""

    def __init__(self, binary: Path, data: Path) -> None:
        self.name = binary.name
        self.maps = mappings(_lines("perf", "script", "-i", data, "--show-mmap-events"), str(binary))
        self.segments = segments(_lines("readelf", "-lW", binary))
        self.known: dict[int, list[str]] = {}
        self.asked = subprocess.Popen(
            ["addr2line", "-e", str(binary), "-a", "-f", "-i", "-C"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def all(self, found: Iterable[tuple[str, list[Frame]]]) -> Iterator[tuple[str, list[Frame]]]:
        """The same stacks, longer."""
        for thread, frames in found:
            longer: list[Frame] = []
            for frame in frames:
                if frame.kernel or not frame.object.endswith(self.name):
                    longer.append(frame)
                    continue
                # But for the innermost one, an address is that of the next instruction after a call.
                names = self._names(frame.address - (1 if longer else 0))
                longer += [Frame(frame.address, name, False, frame.object) for name in names or [frame.name]]
            yield thread, longer
        self.asked.communicate()

    def _names(self, address: int) -> list[str]:
        """The functions at an address, the innermost first; none when it is not known."""
        where = self._in_file(address)
        if where is None:
            return []
        if where not in self.known:
            assert self.asked.stdin is not None and self.asked.stdout is not None
            self.asked.stdin.write(f"{where:#x}\n0x0\n")  # the second is asked to see where the first ends
            self.asked.stdin.flush()
            self.known[where] = answer(self.asked.stdout)
        return self.known[where]

    def _in_file(self, address: int) -> int | None:
        """An address as the line tables count it; some versions of `perf` give places in the file instead."""
        for start, length, offset in self.maps:
            if start <= address < start + length:
                address = address - start + offset
                break
        for begin, virtual, size in self.segments:
            if begin <= address < begin + size:
                return address - begin + virtual
        return None


def answer(lines: Iterable[str]) -> list[str]:
    """What `addr2line` says of one address, up to what it says of address 0: names with files."""
    names: list[str] = []
    lines = iter(lines)
    next(lines)  # the address itself
    for name in lines:
        if name.startswith("0x"):
            next(lines), next(lines)
            break
        file = next(lines).rsplit(":", 1)[0]
        if name.strip() != "??":
            names.append(f"{name.strip()} {file}")
    return names


def mappings(lines: Iterable[str], binary: str) -> list[tuple[int, int, int]]:
    """Where the binary's code was: start, length, offset in the file."""
    found = (MAPPED.search(line) for line in lines if binary in line)
    return [tuple(int(m[n], 16) for n in (1, 2, 3)) for m in found if m and m[4] == binary]


def segments(lines: Iterable[str]) -> list[tuple[int, int, int]]:
    """The binary's loaded parts: offset in the file, address, length."""
    found = (LOADED.search(line) for line in lines)
    return [tuple(int(m[n], 16) for n in (1, 2, 3)) for m in found if m]


def _lines(*words: object) -> list[str]:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    return done.stdout.splitlines()
