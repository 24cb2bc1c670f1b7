"""Whether memory ran out, and whose."""

import errno
import re
from pathlib import Path

VMSTAT = Path("/proc/vmstat")
NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate|cannot allocate|ALLOC_FAILED", re.IGNORECASE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of a GPU or of the machine; torch says the latter in a plain ``RuntimeError``."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(NO_MEMORY.search(str(error))))


def out_of_memory_kills() -> int:
    """How many processes the kernel has killed since it started because memory ran out; 0 where it does not tell.

    A process that was killed so cannot say why; whoever started it compares this number before and after.
    """
    try:
        counters = dict(line.split() for line in VMSTAT.read_text().splitlines())
        return int(counters.get("oom_kill", 0))
    except (OSError, ValueError):  # not Linux
        return 0
