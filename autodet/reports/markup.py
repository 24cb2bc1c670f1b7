"""HTML and SVG from values: every text is escaped, so that no name becomes markup or turns the text around it."""

from collections.abc import Iterable
from html import escape

from autodet.text_format import harmless


class Markup(str):
    """HTML that needs no escaping."""

    __slots__ = ()


Child = str | Markup | Iterable["Child"] | None
VOID = {"meta", "br", "img"}


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Return an element.

    Args:
        name: Name of the element.
        children: Content: texts, which are escaped, ``Markup``, which is not, and iterables of both; None is left out.
        attributes: Attributes; ``_`` at the end of a name is dropped, any other becomes ``-``; None leaves one out.
    """
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    written = "".join(f' {key}="{escape(harmless(_text(value)))}"' for key, value in given.items())
    return Markup(f"<{name}{written}>" if name in VOID else f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Return children one after another."""
    return Markup("".join(map(_markup, children)))


def _markup(child: Child) -> str:
    if child is None or isinstance(child, Markup):
        return child or ""
    return escape(harmless(child)) if isinstance(child, str) else joined(*child)


def _text(value: object) -> str:
    """Return an attribute's value; numbers have at most two decimals, which keeps drawings small."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
