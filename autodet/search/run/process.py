"""The work of a supervisor after its wait: checks, the search itself, and the record of a failure."""

import logging
from pathlib import Path

from autodet.access.visitor import Visitor, acting_as
from autodet.search.executors.factory import executor_for
from autodet.search.executors.first_slot import FirstSlot
from autodet.search.executors.local import TRAIN, preload
from autodet.search.order.dataset_preflight import check_dataset
from autodet.search.order.initial_weights import check_start
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import add_graphs
from autodet.search.run.interruption import give_back, set_aside, write_interrupted
from autodet.search.run.supervisor import supervise
from autodet.settings import load_settings
from autodet.workspace import Workspace

__all__ = ["TRAIN", "add_graphs", "carry_on", "preload"]

log = logging.getLogger("autodet.supervisor")


def carry_on(folder: Path, train: str, first: FirstSlot | None) -> int:
    """Start or resume the search in a folder, which the caller has locked; return the exit code of the process.

    Args:
        folder: The search folder.
        train: The function that trains a job, as ``module:function``.
        first: The slot that the search has waited for, if any.
    """
    try:
        set_aside(folder)
        spec = SearchSpec.read(folder)
        check_dataset(spec, Workspace(folder.parent.parent))
        check_start(spec, folder)
        with acting_as(Visitor(spec.owner, "editor")):  # models belong to the owner of the search
            supervise(folder, executor_for(folder, spec, train, load_settings(), first))
        give_back(folder)
    except Exception as error:
        log.exception("The supervisor failed.")
        write_interrupted(folder, error)
        return 1
    return 0
