"""The gain of a search over the model that it started from: both compared on photos that neither was trained on."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from autodet.datasets.drafts.acceptance import accepted_photos
from autodet.datasets.manifest import Dataset, read_dataset
from autodet.errors import AutodetError, SearchError
from autodet.inference.comparison import compare_models
from autodet.inference.evaluations import kept_report
from autodet.inference.unseen_photos import UnseenPhotos, unseen_photos
from autodet.messages.comparisons import no_unseen_photos_text
from autodet.models.store import StoredModel, list_models, read_model
from autodet.records import Improvement, SearchStatus
from autodet.records.comparisons import MIN_PHOTOS
from autodet.search.api import Search, find_search
from autodet.workspace import Workspace, open_workspace, safe_join

OVER = ("finished", "stopped")


@dataclass(frozen=True, eq=False)
class Successor:
    """The model of a search beside the one that it started from.

    Attributes:
        search: Id of the search.
        earlier: The model that provided the starting weights.
        model: The model of the search.
        photos: The photos to compare them on.
        proposed: Number of these photos with labels that the earlier model proposed.
        set_aside: Number of photos that do not count because of such labels.
    """

    search: str
    earlier: StoredModel
    model: StoredModel
    photos: UnseenPhotos
    proposed: int = 0
    set_aside: int = 0

    @property
    def models(self) -> tuple[StoredModel, StoredModel]:
        """The earlier model and that of the search."""
        return self.earlier, self.model

    @property
    def unevaluated(self) -> list[StoredModel]:
        """The models that are not evaluated on these photos yet."""
        return [one for one in self.models if kept_report(one, self.photos.dataset, self.photos.split) is None]


def find_successor(status: SearchStatus, workspace: Workspace) -> Successor | None:
    """Return the model of a search that is over, beside the one that it started from.

    Args:
        status: The search.
        workspace: Its workspace.

    Returns:
        Both models; None if the search started from no model or is not over, or if a model or the data set was deleted.
    """
    if status.start_from is None or status.model is None or status.state not in OVER or status.follow_up:
        return None
    weights = status.start_from.weights_sha256
    earlier = next((model for model in list_models(workspace) if model.card.weights_sha256 == weights), None)
    with suppress(AutodetError):
        model = read_model(status.model, workspace)
        dataset = read_dataset(safe_join(workspace.datasets, status.dataset))
        if earlier and dataset.fingerprint == model.card.dataset_fingerprint:
            return _successor(status.search, earlier, model, dataset)
    return None


def _successor(search: str, earlier: StoredModel, model: StoredModel, dataset: Dataset) -> Successor:
    """Choose the photos; those that the earlier model labelled do not count if enough others are left."""
    photos = unseen_photos((earlier.card, model.card), dataset)
    own = accepted_photos(dataset, earlier.id)
    others = tuple(record for record in photos.images if record.sha256 not in own) if photos.count else ()
    proposed = photos.count - len(others)
    if proposed and len(others) >= MIN_PHOTOS and any(len(record.annotations) for record in others):
        return Successor(search, earlier, model, photos.only(others), set_aside=proposed)
    return Successor(search, earlier, model, photos, proposed)


def improvement(
    search: Search | str,
    *,
    workspace: Workspace | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Improvement:
    """Compare the model of a search with the one that it started from, on photos that neither was trained on.

    Test photos count if neither model was trained or chosen on them; for lack of these, validation photos that neither
    was trained on. Photos with labels that the earlier model proposed, and that a person accepted as they were, are set
    aside if ten others are left. Evaluations that are kept beside the models are used.

    Args:
        search: A search that started from a model and is over, its id or its name.
        workspace: Workspace of the search; by default the settings' workspace.
        progress: Callback that receives the number of photos done and the total, for each model in turn.

    Raises:
        NotFoundError: The search does not exist.
        SearchError: The search started from no model or is not over, a model or the data set was deleted, or there are
            no photos that neither was trained on.
        PhotoError: A photo cannot be read.
    """
    workspace = workspace or open_workspace()
    found = find_search(search.id if isinstance(search, Search) else search, workspace)
    successor = find_successor(found.status(), workspace)
    if successor is None:
        raise SearchError(
            f"The search {found.id} has no model to compare with the one that it started from: it must be over and "
            "have started from a model, and both models and its data set must be there."
        )
    if not successor.photos.count:
        raise SearchError(no_unseen_photos_text(successor.earlier.name, successor.model.name))
    return compare_successor(successor, progress)


def compare_successor(successor: Successor, progress: Callable[[int, int], None] | None = None) -> Improvement:
    """Compare both models on the photos, of which there must be some; evaluates them unless that is kept."""
    earlier, model, photos = successor.earlier, successor.model, successor.photos
    compared = compare_models(earlier, model, photos.dataset, photos.split, progress)
    return Improvement(
        comparison=compared.comparison,
        search=successor.search,
        names={"a": earlier.name, "b": model.name},
        split=photos.split,
        unknown=photos.unknown,
        left_out=photos.left_out,
        proposed=successor.proposed,
        set_aside=successor.set_aside,
    )
