"""The acting visitor: a visitor of the app, or the user of the command line or Python on this machine.

An interface registers a function that returns its visitor; without one, the machine's user acts. Work in the
background (a job's thread, a download, a process) acts for the visitor who started it.
"""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Literal, ParamSpec, TypeVar

Role = Literal["viewer", "editor"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Visitor:
    """A user of autodet.

    Attributes:
        name: E-mail address, or the user's name on this machine; empty if unknown.
        role: ``editor`` may do everything; ``viewer`` may look, read stored evaluations, and predict.
        address: IP address of the browser; empty on this machine itself.
    """

    name: str
    role: Role
    address: str = ""


STRANGER = Visitor("", "viewer", "unknown")

_acting: ContextVar[Visitor | None] = ContextVar("acting", default=None)
_sources: list[Callable[[], Visitor | None]] = []  # at most one: that of this process's interface


def identify_visitors(source: Callable[[], Visitor | None]) -> None:
    """Register the function that returns an interface's visitor.

    Args:
        source: Returns the visitor of the calling thread; None if the machine's user acts.
    """
    _sources[:] = [source]


def current_visitor() -> Visitor:
    """Return the visitor for whom this thread acts."""
    if acting := _acting.get():
        return acting
    return next(filter(None, (source() for source in _sources)), None) or machine_user()


@contextmanager
def acting_as(visitor: Visitor) -> Iterator[None]:
    """Act for a visitor in this thread."""
    token = _acting.set(visitor)
    try:
        yield
    finally:
        _acting.reset(token)


def for_current_visitor(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function that acts for the current visitor in any thread."""
    visitor = current_visitor()

    def bound(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with acting_as(visitor):
            return function(*args, **kwargs)

    return bound


@cache
def machine_user() -> Visitor:
    """Return the user of this machine who runs this process."""
    try:
        return Visitor(getpass.getuser(), "editor")
    except (OSError, KeyError):  # a container may run under a user id without a name
        return Visitor("", "editor")
