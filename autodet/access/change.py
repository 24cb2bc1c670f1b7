"""Permission and log of changes: every function that changes a workspace does so within ``change``."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from autodet.access.audit_log import write_entry
from autodet.access.visitor import Visitor, current_visitor
from autodet.errors import AccessError
from autodet.settings import load_settings
from autodet.workspace import Workspace

Action = Literal[
    "import",
    "continue import",
    "discard import",
    "create data set",
    "delete data set",
    "start search",
    "stop search",
    "resume search",
    "delete search",
    "add model",
    "rename model",
    "delete model",
    "push model",
    "tag model",
    "restore",
    "add graph",
    "export to 8 bits",
    "evaluate",
    "measure latency",
    "compare photos",
    "drop photos",
    "label photos",
    "propose labels",
    "keep photos",
    "delete kept photos",
    "create token",
    "revoke token",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
WORDS: dict[Action, str] = {
    "import": "import data sets",
    "continue import": "decide on imports",
    "discard import": "discard imports",
    "create data set": "create data sets",
    "delete data set": "delete data sets",
    "start search": "start searches",
    "stop search": "stop searches",
    "resume search": "resume searches",
    "delete search": "delete searches",
    "add model": "add models",
    "rename model": "rename models",
    "delete model": "delete models",
    "push model": "push models to the registry",
    "tag model": "move tags of the registry",
    "restore": "restore deleted items",
    "add graph": "add graphs to models",
    "export to 8 bits": "export models to 8 bits",
    "evaluate": "start evaluations",
    "measure latency": "measure models",
    "compare photos": "start comparisons of photos",
    "drop photos": "evaluate new photos",
    "label photos": "label photos",
    "propose labels": "let a model propose labels",
    "keep photos": "keep photos",
    "delete kept photos": "delete photos that were kept",
    "create token": "create tokens",
    "revoke token": "revoke tokens",
}

_under_way: ContextVar[bool] = ContextVar("change under way", default=False)


@dataclass
class Change:
    """A change under way.

    Attributes:
        thing: The changed item in the log: its id, or its name until it has an id.
    """

    thing: str


@contextmanager
def change(action: Action, thing: str, workspace: Workspace, *, logged: bool = True) -> Iterator[Change]:
    """Allow an editor to change the workspace, and log the change; a nested change counts as part of the outer one.

    Args:
        action: Kind of the change.
        thing: Id or name of the changed item; set ``thing`` of the yielded value when the id is known.
        workspace: The workspace.
        logged: Whether an allowed change gets a line in the log; one of many small changes needs none of its own.

    Raises:
        AccessError: The visitor may not change anything.
    """
    visitor = current_visitor()
    under_way = Change(thing)
    if not _may_change(visitor):
        write_entry(workspace, visitor, action, thing, "refused")
        raise AccessError(refusal(action))
    if _under_way.get():
        yield under_way
        return
    token = _under_way.set(True)
    outcome = "failed"
    try:
        yield under_way
        outcome = "done"
    finally:
        _under_way.reset(token)
        if logged:
            write_entry(workspace, visitor, action, under_way.thing, outcome)


def may_change() -> bool:
    """Return whether the visitor may change the workspace; if not, results are not stored."""
    return _may_change(current_visitor())


def refusal(action: Action) -> str:
    """Return why a visitor may not do something, and what to do."""
    if load_settings().mode == "demo":
        return f"This is a demo, in which visitors cannot {WORDS[action]}; install autodet to do so."
    return f"Only editors can {WORDS[action]}, and you are a viewer here; ask an editor."


def _may_change(visitor: Visitor) -> bool:
    return visitor.role == "editor"
