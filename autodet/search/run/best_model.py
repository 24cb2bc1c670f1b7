"""The published model of a search: the best epoch so far, available even if the search is interrupted."""

import sys
from pathlib import Path

from autodet.errors import BundleError
from autodet.models.bundle import read_card
from autodet.models.store import BUNDLE, put_model
from autodet.processes import start_process
from autodet.records import EpochResult
from autodet.search.status.status_file import LOG
from autodet.workspace import Workspace

BEFORE = "-before-refit"  # id suffix of the best trial's model
NOTHING = (-1.0, None, 0)


class PublishedModel:
    """The model that a search has published in the workspace.

    Args:
        search: The search id, which is also the model id.
        workspace: The workspace of the search and the model.
    """

    def __init__(self, search: str, workspace: Workspace) -> None:
        self._search, self._workspace = search, workspace
        self._published = self._in_workspace()
        self.is_behind = False  # whether the best epoch has not been published yet

    @property
    def id(self) -> str | None:
        """The model id; None before the first model is published."""
        return self._search if self._published != NOTHING else None

    def compare(self, result: EpochResult) -> None:
        """Mark the published model as outdated if it is not of this epoch, the best one of all trials."""
        self.is_behind = _identity(result) != self._published

    def publish(self, bundle: Path, result: EpochResult) -> None:
        """Publish the bundle of the best epoch of all trials, unless the published model is of that epoch."""
        if _identity(result) != self._published:
            put_model(bundle, self._search, self._workspace)
            self._published = _identity(result)
        self.is_behind = False

    def _in_workspace(self) -> tuple[float, float | None, int]:
        """Return the identity of the epoch that an earlier supervisor published."""
        try:
            card = read_card(self._workspace.models / self._search / BUNDLE)
        except BundleError:
            return NOTHING
        return card.score, card.latency_ms, card.epoch


def _identity(result: EpochResult) -> tuple[float, float | None, int]:
    """Return what tells an epoch from others; a refit carries that of the epoch which it replaces."""
    return result.score, result.latency_ms, result.epoch


def is_refit(search: str, workspace: Workspace) -> bool:
    """Return whether the published model of a search is already its refit."""
    try:
        return read_card(workspace.models / search / BUNDLE).refit
    except BundleError:
        return False


def model_ids(search: str) -> tuple[str, str]:
    """Return the model ids of a search: its own, and that of the best trial's model kept beside a refit."""
    return search, search + BEFORE


def add_graphs(folder: Path) -> None:
    """Start a process that adds the ONNX graph to the models of a search that has ended; it imports torch.

    Args:
        folder: The search folder.
    """
    workspace = Workspace(folder.parent.parent)
    paths = [workspace.models / model / BUNDLE for model in model_ids(folder.name)]
    without = [str(path) for path in paths if path.is_file() and _lacks_graph(path)]
    if without:
        with (folder / LOG).open("ab") as output:
            start_process([sys.executable, "-m", "autodet.inference.bundle_graph", *without], output, workspace.home)


def _lacks_graph(path: Path) -> bool:
    try:
        return not read_card(path).graph_sha256
    except BundleError:
        return False
