"""A crowd of processes that push, or move a tag, at the same moment; or one that dies at a chosen one.

python -m tests.registry.crowd push FOLDER        each bundle of the folder, in a process of its own
python -m tests.registry.crowd tag COUNT          a process for each version, which moves the tag to it
python -m tests.registry.crowd die MOMENT BUNDLE  a push that is killed: while it sends, or before it publishes
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from autodet.registry import s3_store  # noqa: F401  # loaded once, before the processes part
from autodet.registry.catalog import Catalog
from autodet.registry.exchange import push_model, tag_model


def run_together(works: list[Callable[[], object]]) -> int:
    """Run each function in a process, all of which begin at once; return how many failed."""
    ready, begin = os.pipe()
    processes = []
    for work in works:
        if (process := os.fork()) == 0:
            os.close(begin)
            os.read(ready, 1)  # ends when the parent closes its side
            work()
            os._exit(0)
        processes.append(process)
    os.close(begin)
    return sum(os.waitpid(process, 0)[1] != 0 for process in processes)


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def push_dying(moment: str, bundle: str) -> None:
    """Push a bundle to the registry; be killed when half of it is read for the last time, or when all is sent."""
    earlier = [0]

    def watch(done: int, total: int) -> None:
        passes = sum(one > next_one for one, next_one in zip(earlier, [*earlier[1:], done], strict=True))
        earlier.append(done)
        if passes == int(moment) - 1 and 2 * done > total:
            die()

    if moment == "published":
        Catalog.publish = die
        push_model(bundle, "fruit")
    else:
        push_model(bundle, "fruit", progress=watch)


if __name__ == "__main__":
    if sys.argv[1] == "die":
        push_dying(*sys.argv[2:])
    elif sys.argv[1] == "push":
        bundles = sorted(Path(sys.argv[2]).iterdir())
        sys.exit(run_together([lambda one=one: push_model(one, "fruit") for one in bundles]))
    else:
        numbers = range(1, int(sys.argv[2]) + 1)
        sys.exit(run_together([lambda one=one: tag_model(f"fruit@{one}", "production") for one in numbers]))
