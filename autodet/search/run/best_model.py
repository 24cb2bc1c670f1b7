"""A search's model: that of the best epoch so far, so that whatever happens next it can be used."""

from pathlib import Path

from autodet.errors import BundleError
from autodet.models.bundle import read_card
from autodet.models.store import BUNDLE, put_model
from autodet.records import EpochResult
from autodet.workspace import Workspace

NOTHING = (-1.0, 0.0)  # ranks below every epoch


class PublishedModel:
    """The model that a search has in the workspace.

    Args:
        search: The search's id, which is the model's too.
        workspace: Where both are.
    """

    def __init__(self, search: str, workspace: Workspace) -> None:
        self._search, self._workspace = search, workspace
        self._rank = self._rank_in_workspace()
        self.is_behind = False  # whether an epoch was better that has not been published

    @property
    def id(self) -> str | None:
        """The model's id; None before there is one."""
        return self._search if self._rank != NOTHING else None

    def compare(self, result: EpochResult) -> None:
        """Learn of an epoch, which may be better."""
        self.is_behind = self.is_behind or result.rank > self._rank

    def publish(self, bundle: Path, result: EpochResult) -> None:
        """Make an epoch's bundle the search's model, if it is better than what is there."""
        if result.rank > self._rank:
            put_model(bundle, self._search, self._workspace)
            self._rank = result.rank
        self.is_behind = False

    def _rank_in_workspace(self) -> tuple[float, float]:
        """How good the model is that an earlier supervisor published, as ``EpochResult.rank``."""
        try:
            card = read_card(self._workspace.models / self._search / BUNDLE)
        except BundleError:
            return NOTHING
        return card.score, -(card.latency_ms or 0.0)
