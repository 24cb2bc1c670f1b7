"""The models that an API offers: those of the workspace, or a single one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autodet.errors import NotFoundError
from autodet.models.bundle import read_card
from autodet.models.store import StoredModel, list_models, read_model
from autodet.text_format import shortened


@dataclass(frozen=True)
class Models:
    """The models of an API.

    Attributes:
        all: Returns them, the newest first.
        find: Returns the one with an id; raises ``NotFoundError`` if there is none.
    """

    all: Callable[[], Sequence[StoredModel]]
    find: Callable[[str], StoredModel]


def _find(model_id: str) -> StoredModel:
    if model_id.startswith("."):  # incomplete, or being deleted
        raise _unknown(model_id)
    try:
        return read_model(model_id)
    except NotFoundError:
        raise _unknown(model_id) from None  # without the folders of this machine


WORKSPACE_MODELS = Models(list_models, _find)


def only(model: StoredModel) -> Models:
    """Return a single model, whose file is read again for each request, because it may be replaced."""

    def current() -> StoredModel:
        return replace(model, card=read_card(model.path))

    def find(model_id: str) -> StoredModel:
        if model_id != model.id:
            raise _unknown(model_id)
        return current()

    return Models(lambda: [current()], find)


def _unknown(model_id: str) -> NotFoundError:
    return NotFoundError(f"There is no model {shortened(model_id)!r}; GET /api/models lists the ids of all models.")
