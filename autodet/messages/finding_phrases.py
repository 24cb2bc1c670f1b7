"""Phrases that several sentences of findings share."""

from collections.abc import Sequence

from autodet.messages.audience import Audience
from autodet.text_format import counted

MAX_NAMES = 3  # of classes or files in one sentence
GIT_POINTER = "is a pointer of Git LFS in place of the file; run 'git lfs pull', or download the file itself"


def few(names: Sequence[str]) -> str:
    """Return the first names, with an ellipsis if there are more."""
    return ", ".join(names[:MAX_NAMES]) + " ..." * (len(names) > MAX_NAMES)


def files(paths: Sequence[str]) -> str:
    """Return the first paths, and the number of the others."""
    more = len(paths) - MAX_NAMES
    return " and ".join([*paths[:MAX_NAMES], *([counted(more, "other file")] if more > 0 else [])])


def decide(words: str, kind: str, audience: Audience, *actions: str) -> str:
    """Return the request to decide among actions of a kind of finding, which a page shows beside the sentence.

    Args:
        words: The actions in words.
        kind: The kind.
        audience: The reader.
        actions: The actions.
    """
    if audience == "page":
        return "decide here"
    return f"decide {words} (on the command line with {' or '.join(f'--decide {kind}={action}' for action in actions)})"


def consent(kind: str, audience: Audience) -> str:
    """Return how to agree to a kind of finding, to be appended to a sentence."""
    return " here" if audience == "page" else f" (on the command line with --decide {kind}=keep)"
