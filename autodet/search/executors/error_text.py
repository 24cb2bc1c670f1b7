"""Why something went wrong, in a sentence that a user can act on."""

from autodet.errors import AutodetError


def unforeseen_reason(error: BaseException) -> str:
    """An error as a sentence: its own, if it was written for users."""
    return str(error) if isinstance(error, AutodetError) else " ".join(f"{type(error).__name__}: {error}".split())
