"""Detection of out-of-memory errors and kills."""

import errno
import re
from pathlib import Path

VMSTAT = Path("/proc/vmstat")
# The last three are messages of oneDNN, C++ and Python, which name no cause; it is nearly always lack of memory.
NO_MEMORY = re.compile(
    r"out of memory|not enough memory|can't allocate|cannot allocate|ALLOC_FAILED"
    r"|could not (create|execute) a (primitive|memory object)$|bad_alloc|can't start new thread",
    re.IGNORECASE,
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether GPU or system memory ran out; torch reports the latter as a plain ``RuntimeError``."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(NO_MEMORY.search(str(error))))


def out_of_memory_kills() -> int:
    """Return the kernel's count of out-of-memory kills since boot; 0 if it is not available.

    A killed process cannot report the cause, so its parent compares this count before and after.
    """
    try:
        counters = dict(line.split() for line in VMSTAT.read_text().splitlines())
        return int(counters.get("oom_kill", 0))
    except (OSError, ValueError):  # not Linux
        return 0
