"""Starting weights of a search; it keeps a copy of the model, so that changes to the original do no harm."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodet.errors import AutodetError, SearchError
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.model_card import ModelCard
from autodet.models.registry import find_architecture
from autodet.models.store import find_model
from autodet.records import Origin
from autodet.search.order.space import Choices, make_space
from autodet.search.order.spec import SearchSpec
from autodet.training.train_job import Start
from autodet.workspace import Workspace

COPY = "start.autodet"  # in the search folder


@dataclass(frozen=True)
class Beginning:
    """A model to take starting weights from.

    Attributes:
        origin: Identity and ancestry of the model.
        card: Description of the model.
        weights: Weights as safetensors.
    """

    origin: Origin
    card: ModelCard
    weights: bytes

    def fixed(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the requested space with the model's network, and with its photo size unless one is requested.

        Raises:
            SearchError: Another network is requested, or several.
        """
        own = self.card.architecture
        networks = make_space({"architecture": asked.get("architecture", False)}).get("architecture")
        if networks not in (None, Choices((own,))):
            title = find_architecture(own).title
            raise SearchError(
                f"The model {self.origin.model} is a {title}, and its weights fit no other network; leave the network "
                "out, or start from the pretrained weights of the one that you want."
            )
        return {**asked, "architecture": own, "image_size": asked.get("image_size") or self.card.image_size}

    def copy_to(self, folder: Path) -> None:
        """Copy the model into a search folder."""
        write_bundle(folder / COPY, self.card, self.weights)


def read_beginning(model: str | Path, workspace: Workspace) -> Beginning:
    """Read a model of the workspace by id or name, or an ``.autodet`` file.

    Raises:
        NotFoundError: The model does not exist.
        BundleError: The file is damaged or foreign, or the weights do not fit the network.
        ModelError: The network is unknown.
    """
    stored = find_model(model, workspace)
    card, weights = read_bundle(stored.path)
    from autodet.inference.detector import load_detector

    load_detector(stored, device="cpu", runtime="torch")  # only loading shows whether the weights fit
    return Beginning(card.as_origin(stored.id), card, weights)


def start_of(spec: SearchSpec, folder: Path) -> Start | None:
    """Return the starting weights of a search's trials, or None if they start from pretrained weights."""
    return Start(folder / COPY, spec.start_from) if spec.start_from else None


def check_start(spec: SearchSpec, folder: Path) -> None:
    """Check that a search still has its start model, by hash.

    Raises:
        SearchError: The copy is missing, damaged, or another model.
    """
    if spec.start_from is None:
        return
    try:
        card, _ = read_bundle(folder / COPY)
    except AutodetError as error:
        raise SearchError(_lost(folder)) from error
    if card.weights_sha256 != spec.start_from.weights_sha256:
        raise SearchError(_lost(folder))


def _lost(folder: Path) -> str:
    return (
        f"The search {folder.name} has lost the model that it began with: {folder / COPY} has changed; put it "
        "back, or start a new search."
    )
