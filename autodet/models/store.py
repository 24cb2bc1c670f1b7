"""Models of the workspace: one folder each, with the bundle and its evaluations."""

from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.errors import BundleError, ModelError, NotFoundError
from autodet.lock import hold_folder
from autodet.models.bundle import STORED, read_bundle, read_card, read_contents, refusal, write_bundle
from autodet.models.model_card import MAX_NAME, ModelCard
from autodet.models.weights_header import weights_problem
from autodet.names import choose, choose_only, free_name, ids_in, naming
from autodet.text_format import few, shortened
from autodet.trash import move_to_trash
from autodet.workspace import (
    Workspace,
    hidden_folder,
    open_workspace,
    publish_folder,
    safe_join,
    write_atomically,
)

BUNDLE = STORED
PATIENCE_SECONDS = 60.0
BROUGHT = "brought"  # marker file beside a bundle that was not made in this workspace
OWNER = "owner"  # file with the name of the model's owner, beside its bundle


@dataclass(frozen=True)
class StoredModel:
    """A usable model, in the workspace or in a file of its own.

    Attributes:
        id: Name of its folder in the workspace, or the stem of the file.
        path: Path of the bundle.
        card: Description of the model.
    """

    id: str
    path: Path
    card: ModelCard

    def __repr__(self) -> str:
        """Return a one-line summary for notebooks."""
        card = self.card
        map50 = f", mAP50 {card.metrics['map50']:.3f}" if "map50" in card.metrics else ""
        return (
            f"StoredModel({shortened(self.id)!r}, {shortened(card.name)!r}, {card.architecture}{map50}, "
            f"{few(card.classes, 'class', 'classes')})"
        )

    @property
    def name(self) -> str:
        """Name given by the user; several models may have the same name."""
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """Size of the bundle in bytes."""
        return self.path.stat().st_size

    @property
    def is_in_workspace(self) -> bool:
        """Whether the bundle lies in a folder of its own in a workspace, not in a file that a user named."""
        return self.path.name == BUNDLE and self.path.parent.name == self.id

    @property
    def brought(self) -> bool:
        """Whether the model was imported, rather than made by a search of this workspace."""
        return self.path.with_name(BROUGHT).exists()

    @property
    def owner(self) -> str:
        """The user who made or imported it; empty if unknown."""
        try:
            return self.path.with_name(OWNER).read_text(encoding="utf-8") if self.is_in_workspace else ""
        except (OSError, ValueError):
            return ""

    @property
    def added(self) -> str:
        """When the model was imported, or else trained here, ISO 8601 with time zone; empty if unknown."""
        moment = _moment(self)
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds") if moment else ""

    def to_json(self) -> dict[str, object]:
        """Return a dict with the keys ``model, name, dataset, map50, thresholds, added, owner``."""
        card = self.card
        return {
            "model": self.id,
            "name": card.name,
            "dataset": card.dataset,
            "map50": card.metrics.get("map50"),
            "thresholds": card.all_thresholds,
            "added": self.added or None,
            "owner": self.owner or None,
        }


def list_models(workspace: Workspace | None = None) -> list[StoredModel]:
    """List the workspace's models, newest first, because metrics on different data sets are not comparable.

    Damaged bundles are left out.
    """
    workspace = workspace or open_workspace()
    models = []
    for path in sorted(workspace.models.glob(f"[!.]*/{BUNDLE}")):
        try:
            models.append(StoredModel(path.parent.name, path, read_card(path)))
        except BundleError:
            continue
    return sorted(models, key=_moment, reverse=True)


def _moment(model: StoredModel) -> float:
    """Return when a model was imported, or else trained, in seconds since 1970; 0 if unknown."""
    with suppress(OSError):
        return model.path.with_name(BROUGHT).stat().st_mtime
    with suppress(ValueError):
        return datetime.fromisoformat(model.card.created).timestamp()
    return 0.0


def find_model(name: str | Path, workspace: Workspace | None = None) -> StoredModel:
    """Return the model with an id, else the newest with a name, or the one in an ``.autodet`` file.

    A ``NameWarning`` lists the other models that the name could mean. The newest is the last trained or imported.

    Raises:
        NotFoundError: There is no such model; the message lists the existing ones.
        BundleError: The file is damaged.
    """
    workspace = workspace or open_workspace()
    if isinstance(name, Path) or str(name).endswith(".autodet"):
        path = Path(name)
        return StoredModel(path.stem, path, read_card(path))
    if bundle := _bundle(name, workspace):
        read_card(bundle)  # raises for a damaged bundle, which ``list_models`` leaves out
    return choose(name, list_models(workspace), "model") or _not_found(name, workspace)


def read_model(model_id: str, workspace: Workspace | None = None) -> StoredModel:
    """Return the model with an id.

    Raises:
        NotFoundError: There is no such model; the message lists the existing ones.
        BundleError: The bundle is damaged.
    """
    workspace = workspace or open_workspace()
    path = _bundle(model_id, workspace)
    return StoredModel(model_id, path, read_card(path)) if path else _not_found(model_id, workspace)


def only_model_id(name: str, workspace: Workspace | None = None) -> str:
    """Return a given id, even of a damaged model, else the id of the only model with that name; for deletions.

    Raises:
        NotFoundError: There is no such model; the message lists the existing ones.
        AmbiguousNameError: Several models have the name.
    """
    workspace = workspace or open_workspace()
    if _bundle(name, workspace):
        return name
    return (choose_only(name, list_models(workspace), "model") or _not_found(name, workspace)).id


def _bundle(model_id: str, workspace: Workspace) -> Path | None:
    with suppress(OSError, TypeError):  # the name is too long for the file system, or not a string
        path = workspace.models / model_id / BUNDLE
        return path if Path(model_id).name == model_id and path.is_file() else None
    return None


def _not_found(name: str, workspace: Workspace) -> NoReturn:
    models = list_models(workspace)
    there = f"there are {', '.join(model.id for model in models)}" if models else "there are none yet: run a search"
    raise NotFoundError(f"There is no model {name!r} in {workspace.models}; {there}, or give an .autodet file.")


def new_model(
    name: str, workspace: Workspace, card: ModelCard, weights: bytes, graph: bytes = b"", *, brought: bool = False
) -> StoredModel:
    """Add a model to the workspace under a new id; its name gets a number if it is already an id.

    Args:
        name: Name of the model.
        workspace: Target workspace.
        card: Description of the model.
        weights: A state dict as safetensors.
        graph: The ONNX graph; empty for none.
        brought: Whether the model was made elsewhere.
    """
    with (
        change("add model", name, workspace) as added,
        naming(workspace.searches),
        hidden_folder(workspace.models) as hidden,
    ):
        searches = ids_in(workspace.searches)  # a search replaces the model that has the search's id
        name = free_name(name, ids_in(workspace.models) | searches, "model or search")
        names = {model.name for model in list_models(workspace)}
        write_bundle(hidden / BUNDLE, replace(card, name=name), weights, graph)
        if brought:
            (hidden / BROUGHT).touch()
        _write_owner(hidden)
        folder = publish_folder(hidden, workspace.models, name, names | searches)
        added.thing = folder.name
    return read_model(folder.name, workspace)


def add_model(bundle: Path, name: str, workspace: Workspace | None = None) -> StoredModel:
    """Check a bundle and copy it into the workspace as a model of this name, with a new id derived from it.

    Args:
        bundle: The ``.autodet`` file.
        name: New name; blank keeps the current one. It gets a number if it is already the id of a model or search.
        workspace: Target workspace; the settings' workspace if not given.

    Raises:
        BundleError: The bundle is damaged or foreign, its weights do not fit its network, or the name is too long;
            nothing is added.
        LaterVersionError: A later version of autodet wrote the bundle.
    """
    card, weights, graph = read_contents(bundle)
    name = _checked_name(name) if name.strip() else card.name
    if card.only_predicts:
        pass  # its graph was checked
    elif find_spec("torch"):
        from autodet.models.bundle_network import fitting_weights

        fitting_weights(bundle, card, weights)
    elif problem := weights_problem(weights, len(card.classes)):
        raise BundleError(refusal(bundle, problem))
    return new_model(name, workspace or open_workspace(), card, weights, graph, brought=True)


def rename_model(model_id: str, name: str, workspace: Workspace | None = None) -> StoredModel:
    """Rename a model of the workspace; its id, weights and evaluations stay.

    Args:
        model_id: Id or current name of the model.
        name: New name.
        workspace: Workspace of the model; the settings' workspace if not given.

    Raises:
        NotFoundError: There is no such model.
        BundleError: The bundle is damaged, or the name is blank or too long.
        ModelError: The name is the id of another model or search.
        AccessError: The visitor may not change anything.
    """
    workspace = workspace or open_workspace()
    model = find_model(model_id, workspace)
    name = _checked_name(name)
    with change("rename model", model.id, workspace), naming(workspace.searches), _rewriting(model.path):
        if name in ids_in(workspace.models, workspace.searches) - {model.id}:
            raise ModelError(f"{name!r} is the id of another model or search; choose another name.")
        _write_renamed(model.path, model.path, name)
    return replace(model, card=read_card(model.path))


def _checked_name(name: str) -> str:
    """Return a user-given model name without surrounding blanks."""
    if not name.strip():
        raise BundleError("A model needs a name; write one.")
    if len(name.strip()) > MAX_NAME:
        raise BundleError(f"A model's name has at most {MAX_NAME} letters; write a shorter one.")
    return name.strip()


def put_model(bundle: Path, model_id: str, workspace: Workspace | None = None) -> None:
    """Make ``bundle`` the model ``model_id``, replacing an existing one, because a search found a better model.

    The existing model keeps its name, because a user may have renamed it.
    """
    workspace = workspace or open_workspace()
    folder = safe_join(workspace.models, model_id)
    folder.mkdir(exist_ok=True)
    with _rewriting(folder / BUNDLE):
        name = _name_in(folder / BUNDLE)
        if name is None:
            _write_owner(folder)
        if name is None or name == _name_in(bundle):
            write_atomically(folder / BUNDLE, bundle.read_bytes())
        else:
            _write_renamed(bundle, folder / BUNDLE, name)


def set_graph(bundle: Path, weights_sha256: str, graph: bytes) -> None:
    """Add an ONNX graph to a bundle, unless it has other weights by now than those that the graph was made from."""
    with _rewriting(bundle):
        card, weights = read_bundle(bundle)
        if card.weights_sha256 == weights_sha256:
            write_bundle(bundle, card, weights, graph)


def _write_owner(folder: Path) -> None:
    if owner := current_visitor().name:
        write_atomically(folder / OWNER, owner.encode())


def _rewriting(bundle: Path) -> AbstractContextManager[None]:
    """Lock a bundle while it is read and replaced, so that no change by another process is lost."""
    return hold_folder(bundle.parent, alone=True, patience_seconds=PATIENCE_SECONDS)


def _write_renamed(bundle: Path, target: Path, name: str) -> None:
    card, weights, graph = read_contents(bundle)
    write_bundle(target, replace(card, name=name), weights, graph)


def _name_in(bundle: Path) -> str | None:
    """Return the name of the model in a bundle; None if there is no readable bundle."""
    try:
        return read_card(bundle).name
    except BundleError:
        return None


def erase_model(model_id: str, workspace: Workspace) -> None:
    """Move a model and its evaluations to the trash without checking its search; ``delete_model`` does that first."""
    with change("delete model", model_id, workspace):
        move_to_trash("model", safe_join(workspace.models, model_id))
