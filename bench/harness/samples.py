"""What a sample of `perf` was busy with: from stacks to a few names.

A stack is read from its innermost frame outwards, and the first frame that says
something decides: copying memory counts as that wherever it is called from, a
page fault as memory even within a read, and a generic function of the standard
library as whatever called it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

OTHER = "other"
MEMORY = "kernel: page faults and memory"
SYSCALLS = {
    "kernel: file reads": "read pread64 readv preadv preadv2 readahead fadvise64 splice copy_file_range lseek",
    "kernel: file writes": "write pwrite64 writev pwritev ftruncate truncate fallocate",
    "kernel: sync": "fsync fdatasync sync syncfs sync_file_range",
    "kernel: names and metadata": "open openat openat2 creat close statx stat lstat fstat newfstat newfstatat newlstat "
    "newstat getdents64 mkdir mkdirat unlink unlinkat rmdir rename renameat renameat2 link linkat symlinkat mknodat "
    "readlink readlinkat utimensat chmod fchmod fchmodat fchmodat2 chown fchown fchownat lchown fcntl flock access "
    "faccessat faccessat2 getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr fsetxattr lsetxattr "
    "dup statfs fstatfs chdir getcwd ioctl fstatat name_to_handle_at removexattr fremovexattr umask",
    MEMORY: "mmap munmap brk madvise mremap mprotect",
    "kernel: threads and processes": "futex clone clone3 exit exit_group execve sched_yield poll ppoll wait4 "
    "rt_sigaction rt_sigprocmask sigaltstack set_robust_list rseq arch_prctl clock_nanosleep getrandom prctl epoll_wait "
    "sched_getaffinity set_tid_address rt_sigreturn tgkill nanosleep",
}
OF_SYSCALL = {call: name for name, calls in SYSCALLS.items() for call in calls.split()}
ENTRY = re.compile(r"__(?:x64|arm64|ia32|do)_sys_(\w+)|ksys_(\w+)")
FAULT = re.compile(
    r"exc_page_fault|do_user_addr_fault|handle_mm_fault|el0_da\b|do_mem_abort|exit_mmap|do_exit"
)
INTERRUPT = re.compile(r"irq|interrupt|softirq|ret_from_fork|kthread", re.IGNORECASE)
COPYING = re.compile(
    r"^_*(?:GI_)*_*(?:mem(?:cpy|move|set|cmp|chr|pcpy)|bcmp|malloc|calloc|realloc|c?free|int_(?:malloc|free|realloc|memalign)"
    r"|libc_(?:malloc|calloc|free|realloc|memalign)|posix_memalign|aligned_alloc|unlink_chunk|malloc_consolidate"
    r"|sysmalloc|systrim|tcache|arena_get|rdl_alloc|rdl_dealloc|rust_alloc|rust_dealloc|rust_realloc)\b"
    r"|^__?mem(?:cpy|move|set|cmp|chr)_\w+|^_int_(?:malloc|free|realloc|memalign)|compiler_builtins::mem"
)
# Names as the linker has them, or paths of the sources: either may be all there is.
USER = [
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "zstd decompress",
            r"zstd/lib/decompress/|^(?:ZSTD|HUF|FSE)_\w*(?:[dD]ecompress|[dD]ecod|DTable|DCtx|DStream|DDict|execSequence)",
        ),
        ("zstd compress", r"zstd/lib/|^(?:ZSTD|ZSTDMT|HUF|FSE|HIST|ZDICT|XXH)_"),
        ("SQLite", r"sqlite3|rusqlite"),
        ("key derivation (Argon2)", r"\bargon2|\bblake2"),
        ("BLAKE3", r"blake3"),
        ("chunker", r"keepmum::chunk\b|keepmum/src/chunk/|(?<![\w:])aes::|/aes-\d"),
        ("AES-GCM and SHA-512 (ring)", r"\bring::|ring_core|/ring-\d"),
        ("names (AES-SIV)", r"\baes_siv|\bcmac\b|/aes-siv-|keepmum::crypto::names|keepmum/src/crypto/names"),
    )
]
ROOM = re.compile(r"\bkeepmum::(\w+)|/keepmum/src/(\w+)|/keepmum-cli/(src)/")
ROOMS = frozenset(
    "beneath catalogue chunk compress crypto format model ops pipeline repository seam source store target".split()
)
FRAME = re.compile(r"^\s+([0-9a-f]+)\s+(.*?)(?:\s+\((.*)\))?$")
HASH = re.compile(r"::h[0-9a-f]{16}$|\+0x[0-9a-f]+$")


@dataclass
class Frame:
    """One function of a stack."""

    address: int
    name: str
    kernel: bool
    object: str


@dataclass
class Profile:
    """Samples by what they were busy with, and by thread."""

    total: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    threads: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)  # innermost names of what nothing claimed


def kind(frames: list[Frame]) -> str:
    """What a stack, innermost frame first, was busy with."""
    if frames and frames[0].kernel:
        return _kernel([frame.name for frame in frames if frame.kernel])
    names = [frame.name for frame in frames]
    if names and COPYING.search(names[0]):
        return "copying and allocating memory"
    for name in names:
        for label, pattern in USER:
            if pattern.search(name):
                return label
        if room := ROOM.search(name):
            name = room[1] or room[2] or room[3]
            return f"own code: {name if name in ROOMS else 'the program'}"
    if any("/ld-linux" in frame.object or frame.object.endswith("/ld.so") for frame in frames):
        return "loading the program"
    return OTHER


def _kernel(names: list[str]) -> str:
    for name in names:
        if FAULT.search(name):
            return MEMORY
        if entry := ENTRY.fullmatch(name):
            return OF_SYSCALL.get(entry[1] or entry[2], "kernel: other calls")
    if any(INTERRUPT.search(name) for name in names):
        return "kernel: interrupts and block devices"
    return "kernel: other calls"


def stacks(lines: Iterable[str]) -> Iterator[tuple[str, list[Frame]]]:
    """Thread name and frames of each sample of `perf script -F comm,ip,sym,dso`."""
    thread, frames = None, []
    for line in lines:
        line = line.rstrip("\n")
        if not line.strip():
            if thread is not None:
                yield thread, frames
            thread, frames = None, []
        elif thread is None:
            thread = line.strip()
        elif match := FRAME.match(line):
            where = match[3] or ""
            kernel = (
                "kernel" in where or where.endswith(".ko") or (where.startswith("[") and where != "[vdso]")
            )
            frames.append(Frame(int(match[1], 16), HASH.sub("", match[2]), kernel, where))
    if thread is not None:
        yield thread, frames


def add_up(found: Iterable[tuple[str, list[Frame]]]) -> Profile:
    """All samples of the program; those of the launcher before it are left out."""
    profile = Profile()
    for thread, frames in found:
        if thread.startswith(("python", "perf")):
            continue
        profile.total += 1
        what = kind(frames)
        profile.kinds[what] += 1
        profile.threads[re.sub(r"[-_]?\d+$", "", thread)] += 1
        if what == OTHER:
            profile.others[frames[0].name if frames else "no stack"] += 1
    return profile
