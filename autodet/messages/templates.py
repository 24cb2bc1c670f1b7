"""Templates of notices: a text by kind."""

from collections.abc import Callable, Iterable, Mapping

from autodet.records import Notice, NoticeKind

Templates = Mapping[NoticeKind, str | Callable[[Notice], str]]
UNKNOWN = "A later version of autodet has a notice here, {kind!r}; update autodet to read it."


def render(notice: Notice, templates: Templates) -> str:
    """Return the text of a notice.

    Args:
        notice: The notice; sentences of earlier versions are returned as they are.
        templates: By kind: a format of the notice's values, or a function.
    """
    if notice.kind == "sentence":
        return str(notice.values["text"])
    text = templates.get(notice.kind)
    if text is None:
        return UNKNOWN.format(kind=notice.kind)
    return text.format(**notice.values) if isinstance(text, str) else text(notice)


def render_all(notices: Iterable[Notice], templates: Templates) -> str:
    """Return the texts of notices, one after another; empty if there are none."""
    return " ".join(render(notice, templates) for notice in notices)
