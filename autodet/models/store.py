"""The workspace's models: one folder each, with the bundle and what was found out about it."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from autodet.errors import BundleError, NotFoundError
from autodet.models.bundle import ModelCard, read_bundle, read_card, write_bundle
from autodet.models.description import MAX_NAME
from autodet.workspace import Workspace, hidden_folder, open_workspace, publish_folder, safe_join, write_atomically

BUNDLE = "model.autodet"
BROUGHT = "brought"  # beside a bundle that was not made in this workspace


@dataclass(frozen=True)
class StoredModel:
    """A model that can be used, in the workspace or in a file of its own.

    Attributes:
        id: Its folder's name in the workspace, or the file's stem.
        path: The bundle.
        card: What it is.
    """

    id: str
    path: Path
    card: ModelCard

    @property
    def size_bytes(self) -> int:
        """How large the bundle is."""
        return self.path.stat().st_size

    @property
    def brought(self) -> bool:
        """Whether it came from elsewhere, rather than from a search of this workspace."""
        return self.path.with_name(BROUGHT).exists()

    @property
    def added(self) -> str:
        """When the bundle was put where it is, ISO 8601 with time zone."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC).isoformat(timespec="seconds")

    def to_json(self) -> dict[str, object]:
        """The keys ``model, name, dataset, map50``."""
        card = self.card
        return {"model": self.id, "name": card.name, "dataset": card.dataset, "map50": card.metrics.get("map50")}


def list_models(workspace: Workspace | None = None) -> list[StoredModel]:
    """The workspace's models, the best ``map50`` first; a damaged bundle is left out."""
    workspace = workspace or open_workspace()
    models = []
    for path in sorted(workspace.models.glob(f"[!.]*/{BUNDLE}")):
        try:
            models.append(StoredModel(path.parent.name, path, read_card(path)))
        except BundleError:
            continue
    return sorted(models, key=lambda model: -model.card.metrics.get("map50", 0.0))


def find_model(name: str | Path, workspace: Workspace | None = None) -> StoredModel:
    """The model with an id or a name, or the one in an ``.autodet`` file.

    Raises:
        NotFoundError: There is none; the message lists what there is.
        BundleError: The file is damaged.
    """
    workspace = workspace or open_workspace()
    if isinstance(name, Path) or name.endswith(".autodet"):
        path = Path(name)
        return StoredModel(path.stem, path, read_card(path))
    path = workspace.models / name / BUNDLE
    if Path(name).name == name and path.is_file():
        return StoredModel(name, path, read_card(path))
    models = list_models(workspace)
    for model in models:
        if model.card.name == name:
            return model
    there = f"there are {', '.join(model.id for model in models)}" if models else "there are none yet: run a search"
    raise NotFoundError(f"There is no model {name!r} in {workspace.models}; {there}, or give an .autodet file.")


def add_model(bundle: Path, name: str, workspace: Workspace | None = None) -> StoredModel:
    """Check a bundle and copy it into the workspace as a model of this name, under a new id made of that.

    Args:
        bundle: The ``.autodet`` file.
        name: What to call it; as it is called already if that is blank.
        workspace: Where to; the settings' workspace if not given.

    Raises:
        BundleError: The bundle is damaged or foreign, its weights do not fit its network, or the name is too long;
            nothing was added.
        LaterVersionError: A later version of autodet made it.
    """
    workspace = workspace or open_workspace()
    card, weights = read_bundle(bundle)
    name = _checked_name(name) if name.strip() else card.name
    from autodet.models.loading import fitting_weights

    fitting_weights(bundle, card, weights)
    with hidden_folder(workspace.models) as hidden:
        write_bundle(hidden / BUNDLE, replace(card, name=name), weights)
        (hidden / BROUGHT).touch()
        folder = publish_folder(hidden, workspace.models, name)
    return find_model(folder.name, workspace)


def rename_model(model_id: str, name: str, workspace: Workspace | None = None) -> StoredModel:
    """Call a model of the workspace otherwise; its id, its weights and its evaluations stay.

    Args:
        model_id: Its id, or the name that it has.
        name: Its new name.
        workspace: Where it is; the settings' workspace if not given.

    Raises:
        NotFoundError: There is no such model.
        BundleError: Its bundle is damaged, or the name is blank or too long.
    """
    model = find_model(model_id, workspace)
    name = _checked_name(name)
    card, weights = read_bundle(model.path)
    write_bundle(model.path, replace(card, name=name), weights)
    return replace(model, card=read_card(model.path))


def _checked_name(name: str) -> str:
    """A name that somebody gives a model, without the blanks around it."""
    if not name.strip():
        raise BundleError("A model needs a name; write one.")
    if len(name.strip()) > MAX_NAME:
        raise BundleError(f"A model's name has at most {MAX_NAME} letters; write a shorter one.")
    return name.strip()


def put_model(bundle: Path, model_id: str, workspace: Workspace | None = None) -> None:
    """Make ``bundle`` the model ``model_id``, in place of what was there: a search found a better one.

    What was there keeps its name, for somebody may have given it that since.
    """
    workspace = workspace or open_workspace()
    folder = safe_join(workspace.models, model_id)
    folder.mkdir(exist_ok=True)
    name = _name_in(folder / BUNDLE)
    if name is None or name == _name_in(bundle):
        write_atomically(folder / BUNDLE, bundle.read_bytes())
    else:
        card, weights = read_bundle(bundle)
        write_bundle(folder / BUNDLE, replace(card, name=name), weights)


def _name_in(bundle: Path) -> str | None:
    """What the model in a bundle is called; None if there is no readable one."""
    try:
        return read_card(bundle).name
    except BundleError:
        return None


def delete_model(model_id: str, workspace: Workspace | None = None) -> None:
    """Delete a model of the workspace and what was found out about it.

    Raises:
        NotFoundError: There is no such model.
    """
    workspace = workspace or open_workspace()
    model = find_model(model_id, workspace)
    shutil.rmtree(safe_join(workspace.models, model.id))
