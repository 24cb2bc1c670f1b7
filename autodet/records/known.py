"""Reading documents of later versions, which may have entries that this version does not know."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any


def known_entries(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a document that a dataclass has attributes for.

    Raises:
        AttributeError: It is no document.
    """
    names = _names(kind)
    return {name: value for name, value in document.items() if name in names}


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))
