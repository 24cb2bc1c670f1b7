"""Whether memory ran out, and whose."""

import errno
import re
from pathlib import Path

VMSTAT = Path("/proc/vmstat")
# The last three are oneDNN's words, C++'s and Python's: none of them says why, and hardly anything else is behind them.
NO_MEMORY = re.compile(
    r"out of memory|not enough memory|can't allocate|cannot allocate|ALLOC_FAILED"
    r"|could not (create|execute) a (primitive|memory object)$|bad_alloc|can't start new thread",
    re.IGNORECASE,
)


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
