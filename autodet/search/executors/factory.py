"""Which executor a search runs its trials with."""

import os
from pathlib import Path

from autodet.search.executors import Executor
from autodet.search.executors.device_queue import queue_for
from autodet.search.executors.local import LocalExecutor
from autodet.search.executors.ray_check import TOKEN_ASKED
from autodet.search.order.spec import SearchSpec
from autodet.settings import Settings


def executor_for(folder: Path, spec: SearchSpec, train: str, settings: Settings) -> Executor:
    """The executor that a search asks for.

    Args:
        folder: The search's.
        spec: Its order.
        train: ``module:function`` that trains a job.
        settings: Say what there is to run trials on.

    Raises:
        SearchError: There is no such place, or it cannot be reached.
    """
    if spec.executor == "ray":
        os.environ.setdefault(*TOKEN_ASKED)
        from autodet.search.executors.ray import RayExecutor  # Ray is optional

        return RayExecutor(settings, train)
    queue = queue_for(folder.parent.parent, folder.name, spec.device, settings)
    return LocalExecutor(queue, train, settings.progress_deadline)
