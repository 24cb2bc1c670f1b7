"""Pushes and pulls in background threads of the server."""

from autodet.access.change import change
from autodet.inference.background_jobs import Job, find_job, start_job
from autodet.models.store import StoredModel
from autodet.registry.documents import ModelVersion, checked_name
from autodet.registry.exchange import pull_model, push_model
from autodet.workspace import open_workspace

UNEXPECTED = "The exchange with the registry failed unexpectedly; the app's log has the details. Try again."


def start_push(model: StoredModel, name: str, tag: str = "") -> Job:
    """Push a model in the background.

    Args:
        model: The model.
        name: Name in the registry.
        tag: Tag that names the version from then on; empty for none.

    Returns:
        The new job, or the existing one if a push of the model is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
        RegistryError: The registry cannot have the name or the tag.
    """
    checked_name(name, "model")
    if tag:
        checked_name(tag, "tag")
    with change("push model", name, open_workspace()):
        return start_job(_push_key(model), lambda job: push_model(model, name, tag, progress=job.report), UNEXPECTED)


def find_push(model: StoredModel) -> Job | None:
    """Return the waiting, running or failed push of a model; None if there is none or it has succeeded."""
    return find_job(_push_key(model))


def start_pull(version: ModelVersion) -> Job:
    """Pull a version into the workspace in the background.

    Returns:
        The new job, or the existing one if the version is already being pulled.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("add model", version.reference, open_workspace()):
        return start_job(_pull_key(version), lambda job: pull_model(version.reference, progress=job.report), UNEXPECTED)


def find_pull(version: ModelVersion) -> Job | None:
    """Return the waiting, running or failed pull of a version; None if there is none or it has succeeded."""
    return find_job(_pull_key(version))


def _push_key(model: StoredModel) -> tuple[str, ...]:
    return "push", str(model.path)


def _pull_key(version: ModelVersion) -> tuple[str, ...]:
    return "pull", version.sha256, version.reference
