"""The supervisor process: ``python -m autodet.search FOLDER`` starts or resumes the search in a folder.

With ``--stand-by`` instead of a folder, it loads what trials need and waits for the folder on its standard input.
"""

import logging
import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType

from autodet.access.visitor import Visitor, acting_as
from autodet.errors import BusyError
from autodet.lock import hold_lock
from autodet.search.executors.factory import executor_for
from autodet.search.executors.local import TRAIN, preload
from autodet.search.launch import STAND_BY, STAND_BY_SECONDS
from autodet.search.order.dataset_preflight import check_dataset
from autodet.search.order.initial_weights import check_start
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import add_graphs
from autodet.search.run.interruption import give_back, set_aside, write_interrupted
from autodet.search.run.supervisor import supervise
from autodet.search.status.status_file import LOG
from autodet.settings import load_settings
from autodet.workspace import Workspace

log = logging.getLogger("autodet.supervisor")


def main(arguments: list[str]) -> int:
    """Run the search in a folder to its end; return exit code 0, or 1 after an error or if it is already locked."""
    signal.signal(signal.SIGTERM, _leave)
    name = _wait_for_search() if arguments[0] == STAND_BY else arguments[0]
    if not name:
        return 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, train = Path(name), arguments[1] if len(arguments) > 1 else TRAIN
    try:
        with hold_lock(folder):
            exit_code = _carry_on(folder, train)
    except BusyError as error:
        log.info("%s", error)
        return 1
    if train == TRAIN:  # what others train need not be a network
        add_graphs(folder)
    return exit_code


def _wait_for_search() -> str:
    """Load what trials need, wait for the folder of a search, and write to its log from then on; empty if none comes.

    The caller has gone if standard input ends without a folder.
    """
    preload()
    ready, _, _ = select.select([sys.stdin], [], [], STAND_BY_SECONDS)
    name = sys.stdin.readline().rstrip("\n") if ready else ""
    if name:
        with (Path(name) / LOG).open("ab") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
    return name


def _carry_on(folder: Path, train: str) -> int:
    try:
        set_aside(folder)
        spec = SearchSpec.read(folder)
        check_dataset(spec, Workspace(folder.parent.parent))
        check_start(spec, folder)
        with acting_as(Visitor(spec.owner, "editor")):  # models belong to who started the search
            supervise(folder, executor_for(folder, spec, train, load_settings()))
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
