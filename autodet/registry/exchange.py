"""Push and pull: models between a workspace and the registry."""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.inference.bundle_graph import add_graph
from autodet.inference.evaluations import kept_report
from autodet.inference.leakage import find_source
from autodet.inference.model_upload import upload_model
from autodet.models.bundle import read_card, read_contents
from autodet.models.download import sha256_of
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel, find_model, list_models
from autodet.records import SPLITS
from autodet.registry.bundles import fetch_bundle
from autodet.registry.catalog import Catalog, now
from autodet.registry.documents import ModelVersion, Reference, RegisteredModel, TagMove, checked_name
from autodet.registry.store import Report, open_store, unreported
from autodet.search.report import training_of
from autodet.workspace import Workspace, open_atomically, open_workspace, slug


def push_model(
    model: str | Path | StoredModel,
    name: str | None = None,
    tag: str | None = None,
    *,
    workspace: Workspace | None = None,
    progress: Report = unreported,
) -> ModelVersion:
    """Store a model in the registry as the next version of its name, with its figures and its origin.

    A bundle that is a version of the name already does not become another one.

    Args:
        model: A model, its id or name, or an ``.autodet`` file.
        name: Name in the registry: lower-case letters, digits and dashes; made from the model's name if not given.
        tag: Tag that names the version from now on.
        workspace: Workspace that resolves ids and names; that of the settings if not given.
        progress: Receives the number of bytes sent, and of all bytes.

    Returns:
        The new version, or the existing one of the same bundle.

    Raises:
        NotFoundError: The model does not exist.
        BundleError: The model's file is damaged.
        RegistryError: There is no registry, it cannot be used, or it cannot have the name or the tag.
        AccessError: The visitor may not change anything.
    """
    workspace = workspace or open_workspace()
    stored = model if isinstance(model, StoredModel) else find_model(model, workspace)
    name = checked_name(name, "model") if name else slug(stored.name)
    tag = checked_name(tag, "tag") if tag else None
    catalog = Catalog(open_store())
    with change("push model", name, workspace) as pushed, TemporaryDirectory() as folder:
        if stored.is_in_workspace:
            add_graph(stored.path)
        copy = Path(folder) / "model.autodet"  # its search may replace the model at any time
        shutil.copyfile(stored.path, copy)
        card, _, _ = read_contents(copy)
        version = _version(name, copy, replace(stored, card=card), workspace)
        catalog.store.prepare()
        if not catalog.store.has_file(version.file, version.size_bytes):
            catalog.store.put_file(version.file, copy, progress)
        version = catalog.publish(version)
        pushed.thing = version.reference
        if tag:
            catalog.move_tag(version, tag)
        return version


def pull_model(reference: str, *, workspace: Workspace | None = None, progress: Report = unreported) -> StoredModel:
    """Add a model of the registry to the workspace, after the checks of an uploaded model.

    Args:
        reference: ``NAME``, ``NAME@3`` or ``NAME@TAG``; without a version or tag, the newest version.
        workspace: Target workspace; that of the settings if not given.
        progress: Receives the number of bytes received, and of all bytes.

    Returns:
        The new model, or the one that the workspace has already.

    Raises:
        NotFoundError: The registry has no such model, version or tag.
        BundleError: The bundle cannot be used here; nothing is added.
        RegistryError: There is no registry, it cannot be used, or the bundle is not the one that was pushed.
        AccessError: The visitor may not change anything.
    """
    workspace = workspace or open_workspace()
    with change("add model", reference, workspace) as added:
        store = open_store()
        version = Catalog(store).find(Reference.parse(reference))
        bundle = fetch_bundle(version, store, workspace, progress)
        model = _same_model(read_card(bundle), workspace) or upload_model(bundle, "", workspace)
        added.thing = model.id
        return model


def save_version(reference: str, path: Path, *, progress: Report = unreported) -> ModelVersion:
    """Write the bundle of a version to a file; an existing file is replaced.

    Raises:
        NotFoundError: The registry has no such model, version or tag.
        RegistryError: There is no registry, it cannot be used, or the bundle is not the one that was pushed.
    """
    store = open_store()
    version = Catalog(store).find(Reference.parse(reference))
    kept = fetch_bundle(version, store, open_workspace(), progress)
    with kept.open("rb") as bundle, open_atomically(path) as file:
        shutil.copyfileobj(bundle, file)
    return version


def list_registry(name: str | None = None) -> list[RegisteredModel]:
    """List the models of the registry by name, each with its versions and the moves of its tags.

    Args:
        name: Only this model.

    Raises:
        NotFoundError: The registry has no model of that name.
        RegistryError: There is no registry, or it cannot be used.
    """
    catalog = Catalog(open_store())
    return [catalog.model(checked_name(name, "model"))] if name else catalog.models()


def tag_model(reference: str, tag: str, *, seen: int | None = None, workspace: Workspace | None = None) -> TagMove:
    """Let a tag name a version of a model; the moves of a tag are kept, and moving it back is a rollback.

    Args:
        reference: ``NAME@3``, ``NAME@TAG``, or ``NAME`` for the newest version.
        tag: The tag; created if it does not exist.
        seen: Number of the last move that you know, 0 for none: the tag stays where it is if others have moved it
            since. By default it moves wherever it is.
        workspace: Workspace whose log records the change; that of the settings if not given.

    Returns:
        The new move, or the last one if the tag names the version already.

    Raises:
        NotFoundError: The registry has no such model, version or tag.
        RegistryError: There is no registry, it cannot be used, it cannot have the tag, or others have moved it.
        AccessError: The visitor may not change anything.
    """
    tag = checked_name(tag, "tag")
    with change("tag model", f"{reference} {tag}", workspace or open_workspace()):
        catalog = Catalog(open_store())
        return catalog.move_tag(catalog.find(Reference.parse(reference)), tag, seen)


def _same_model(card: ModelCard, workspace: Workspace) -> StoredModel | None:
    """Return the model of a workspace that differs at most in its name; None without one."""
    same = (model for model in list_models(workspace) if replace(model.card, name=card.name) == card)
    return next(same, None)


def _version(name: str, bundle: Path, model: StoredModel, workspace: Workspace) -> ModelVersion:
    """Return the version of a model whose number is not known yet."""
    card, training = model.card, training_of(model, workspace)
    return ModelVersion(
        name=name,
        version=0,
        sha256=sha256_of(bundle),
        size_bytes=bundle.stat().st_size,
        pushed=now(),
        pushed_by=current_visitor().name,
        model=card.name,
        architecture=card.architecture,
        image_size=card.image_size,
        classes=tuple(card.classes),
        dataset=card.dataset,
        dataset_fingerprint=card.dataset_fingerprint,
        search=training.search.search if training else "",
        trial=training.trial.number if training and training.trial else None,
        created=card.created,
        metrics=dict(card.metrics),
        evaluations=_evaluations(model, workspace),
        autodet=card.versions.get("autodet", ""),
    )


def _evaluations(model: StoredModel, workspace: Workspace) -> dict[str, dict[str, float]]:
    """Return the stored evaluations on the data set that the model was trained on, with their intervals."""
    found: dict[str, dict[str, float]] = {}
    dataset = find_source(model.card.as_origin(model.id), workspace)
    for split in SPLITS:
        if dataset and (report := kept_report(model, dataset, split)):
            found[split] = {"map50": report.map50, "map50_95": report.map50_95, "photos": report.images}
            for metric, (low, high) in report.interval.items():
                found[split] |= {f"{metric}_low": low, f"{metric}_high": high}
    return found
