"""The supervisor process: ``python -m autodet.search FOLDER`` starts or resumes the search in a folder.

A new search first waits for a device. Everything else is imported afterwards, because it takes memory.
"""

import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from autodet.errors import BusyError
from autodet.lock import hold_lock
from autodet.search.executors.first_slot import FirstSlot, wait_for_first_slot

TRAIN = "autodet.training.loop:train"

log = logging.getLogger("autodet.supervisor")


def main(arguments: list[str]) -> int:
    """Run the search in a folder to its end; return exit code 0, or 1 after an error or if it is already locked."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, _leave)
    folder, train = Path(arguments[0]), arguments[1] if len(arguments) > 1 else TRAIN
    try:
        with hold_lock(folder):
            exit_code = _carry_on(folder, train, wait_for_first_slot(folder))
    except BusyError as error:
        log.info("%s", error)
        return 1
    if train == TRAIN:  # what others train need not be a network
        from autodet.search.run.best_model import add_graphs

        add_graphs(folder)
    return exit_code


def _carry_on(folder: Path, train: str, first: FirstSlot | None) -> int:
    from autodet.search.run.interruption import give_back, set_aside, write_interrupted

    try:
        from autodet.search.executors.factory import executor_for
        from autodet.search.order.dataset_preflight import check_dataset
        from autodet.search.order.initial_weights import check_start
        from autodet.search.order.spec import SearchSpec
        from autodet.search.run.supervisor import supervise
        from autodet.settings import load_settings
        from autodet.workspace import Workspace

        set_aside(folder)
        spec = SearchSpec.read(folder)
        check_dataset(spec, Workspace(folder.parent.parent))
        check_start(spec, folder)
        supervise(folder, executor_for(folder, spec, train, load_settings(), first))
        give_back(folder)
    except Exception as error:
        log.exception("The supervisor failed.")
        write_interrupted(folder, error)
        return 1
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # interrupted, not stopped: no stop was requested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
