"""Selection of the executor for a search."""

import os
from pathlib import Path

from autodet.search.executors import Executor
from autodet.search.executors.device_queue import queue_for
from autodet.search.executors.first_slot import FirstSlot
from autodet.search.executors.local import LocalExecutor
from autodet.search.executors.ray_check import TOKEN_ASKED
from autodet.search.order.spec import SearchSpec
from autodet.settings import Settings


def executor_for(
    folder: Path, spec: SearchSpec, train: str, settings: Settings, first: FirstSlot | None = None
) -> Executor:
    """Create the executor that a search requests.

    Args:
        folder: The search folder.
        spec: The specification of the search.
        train: The function that trains a job, as ``module:function``.
        settings: The settings, which define the devices or the cluster.
        first: The slot that the search has waited for, if any.

    Raises:
        SearchError: The cluster is not configured or cannot be reached.
    """
    if spec.executor == "ray":
        os.environ.setdefault(*TOKEN_ASKED)
        from autodet.search.executors.ray import RayExecutor  # Ray is optional

        return RayExecutor(settings, train)
    if first:
        return LocalExecutor(first.queue, train, settings.progress_deadline, first.held)
    queue = queue_for(folder.parent.parent, folder.name, spec.device, settings)
    return LocalExecutor(queue, train, settings.progress_deadline)
