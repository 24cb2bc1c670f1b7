"""Forward compatibility: documents of later versions may have entries that this version does not know."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any


def known_entries(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a document that match a field of a dataclass.

    Raises:
        AttributeError: The document is not a mapping.
    """
    names = _names(kind)
    return {name: value for name, value in document.items() if name in names}


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))
