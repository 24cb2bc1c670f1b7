"""The supervisor process: ``python -m autodet.search FOLDER`` starts or resumes the search in a folder."""

import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from autodet.errors import BusyError
from autodet.lock import hold_lock
from autodet.search.executors.first_slot import wait_for_first_slot

log = logging.getLogger("autodet.supervisor")


def main(arguments: list[str]) -> int:
    """Run the search in a folder to its end; return exit code 0, or 1 after an error or if it is already locked."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, _leave)
    folder = Path(arguments[0])
    try:
        with hold_lock(folder):
            first = wait_for_first_slot(folder)
            from autodet.search.run import process  # only now, because Optuna and the trainer take memory

            train = arguments[1] if len(arguments) > 1 else process.TRAIN
            exit_code = process.carry_on(folder, train, first)
    except BusyError as error:
        log.info("%s", error)
        return 1
    if train == process.TRAIN:  # what others train need not be a network
        process.add_graphs(folder)
    return exit_code


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # interrupted, not stopped: no stop was requested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
