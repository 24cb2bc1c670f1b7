"""Child processes that end with their parent, however it ends."""

import ctypes
import multiprocessing
import os
import signal
import threading
from contextlib import suppress

DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def bind_to_parent() -> None:
    """Let Linux kill this process when its parent ends, even if this process is stopped; no effect elsewhere."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)


def watch_supervisor() -> None:
    """End this process once its ``multiprocessing`` parent is gone, now or later."""
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    if supervisor := multiprocessing.parent_process():
        supervisor.join()
        os._exit(1)
