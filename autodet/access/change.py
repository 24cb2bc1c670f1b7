"""The door of all changes: every function that changes something in a workspace passes it, whoever calls it."""

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
    "restore",
    "add graph",
    "export to 8 bits",
    "evaluate",
    "measure latency",
    "drop photos",
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
    "restore": "restore what was deleted",
    "add graph": "add graphs to models",
    "export to 8 bits": "export models to 8 bits",
    "evaluate": "start evaluations",
    "measure latency": "measure models",
    "drop photos": "evaluate new photos",
}

_under_way: ContextVar[bool] = ContextVar("change under way", default=False)


@dataclass
class Change:
    """A change under way.

    Attributes:
        thing: What is changed, for the log: an id, or a name until there is one.
    """

    thing: str


@contextmanager
def change(action: Action, thing: str, workspace: Workspace) -> Iterator[Change]:
    """Let an editor change something, and log it; a change within another one is a part of it.

    Args:
        action: Kind of the change.
        thing: Id or name of what is changed; set ``thing`` of the yielded value when its id is known.
        workspace: The workspace.

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
        write_entry(workspace, visitor, action, under_way.thing, outcome)


def may_change() -> bool:
    """Return whether the visitor may change anything; results of a visitor who may not are not kept."""
    return _may_change(current_visitor())


def refusal(action: Action) -> str:
    """Return why a visitor may not do something, and what helps."""
    if load_settings().mode == "demo":
        return f"This is a demo, in which visitors cannot {WORDS[action]}; install autodet to do so."
    return f"Only editors can {WORDS[action]}, and you are a viewer here; ask an editor."


def _may_change(visitor: Visitor) -> bool:
    return visitor.role == "editor"
