"""Bundles of the registry on this machine: fetched once, and verified each time."""

import shutil
from pathlib import Path

from autodet.errors import RegistryError
from autodet.lock import hold_lock
from autodet.models.bundle import read_card
from autodet.models.download import sha256_of
from autodet.models.store import StoredModel, find_model
from autodet.registry.catalog import Catalog
from autodet.registry.documents import PREFIX, ModelVersion, Reference
from autodet.registry.store import Report, Store, open_store, unreported
from autodet.workspace import Workspace, open_workspace

PATIENCE_SECONDS = 3600.0


def find_any_model(name: str | Path, workspace: Workspace | None = None) -> StoredModel:
    """Return a model as ``find_model``, or for ``registry:NAME@TAG`` that of the registry, whose bundle is kept here.

    Raises:
        NotFoundError: There is no such model.
        BundleError: The file is damaged.
        RegistryError: The registry cannot be used.
    """
    if not isinstance(name, str) or not name.startswith(PREFIX):
        return find_model(name, workspace)
    store = open_store()
    version = Catalog(store).find(Reference.parse(name))
    path = fetch_bundle(version, store, workspace or open_workspace())
    return StoredModel(version.reference, path, read_card(path))


def fetch_bundle(version: ModelVersion, store: Store, workspace: Workspace, report: Report = unreported) -> Path:
    """Return the bundle of a version in the workspace's cache; an interrupted download continues.

    Args:
        version: The version.
        store: The registry.
        workspace: The workspace.
        report: Receives the number of bytes so far, and of all bytes.

    Raises:
        RegistryError: The bundle is missing in the registry, or is not the one that was pushed.
        BusyError: Another process has been fetching a bundle for an hour.
    """
    with hold_lock(workspace.registry, PATIENCE_SECONDS):
        kept = workspace.registry / f"{version.sha256}.autodet"
        if kept.is_file() and sha256_of(kept) == version.sha256:
            return kept
        begun = workspace.registry / f".{version.sha256}"
        begun.mkdir(exist_ok=True)
        received = store.fetch(version.file, version.size_bytes, begun, report)
        if sha256_of(received) != version.sha256:
            shutil.rmtree(begun)
            raise RegistryError(
                f"The file {version.file} in {store.address} is not the one that was pushed; delete it there, and push "
                "the model again."
            )
        received.replace(kept)
        shutil.rmtree(begun)
        return kept
