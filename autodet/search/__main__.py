"""The supervisor process: ``python -m autodet.search FOLDER`` starts or resumes the search in a folder.

With ``--stand-by HOME`` instead, it loads the libraries of trials and reads the folder from its standard input.
"""

import logging
import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType

from autodet.errors import BusyError
from autodet.lock import hold_lock
from autodet.search.executors.first_slot import wait_for_first_slot
from autodet.search.launch import STAND_BY, STAND_BY_SECONDS
from autodet.search.status.status_file import LOG

log = logging.getLogger("autodet.supervisor")


def main(arguments: list[str]) -> int:
    """Run the search in a folder to its end; return exit code 0, or 1 after an error or if it is already locked."""
    signal.signal(signal.SIGTERM, _leave)
    standing_by = arguments[0] == STAND_BY
    name = _wait_for_search() if standing_by else arguments[0]
    if not name:
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder = Path(name)
    try:
        with hold_lock(folder):
            first = wait_for_first_slot(folder)
            from autodet.search.run import process  # only now, because Optuna and the trainer take memory

            train = arguments[1] if len(arguments) > 1 and not standing_by else process.TRAIN
            exit_code = process.carry_on(folder, train, first)
    except BusyError as error:
        log.info("%s", error)
        return 1
    if train == process.TRAIN:  # other training functions need not train a network
        process.add_graphs(folder)
    return exit_code


def _wait_for_search() -> str:
    """Load the libraries, wait for the folder of a search, and redirect output to its log; empty on a timeout.

    Standard input ends without a folder if the caller has ended.
    """
    from autodet.search.run import process

    process.preload()
    ready, _, _ = select.select([sys.stdin], [], [], STAND_BY_SECONDS)
    name = sys.stdin.readline().rstrip("\n") if ready else ""
    if name:
        with (Path(name) / LOG).open("ab") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
    return name


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)  # interrupted, not stopped: no stop was requested


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
