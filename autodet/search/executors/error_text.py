"""Error messages that a user can act on."""

from autodet.errors import AutodetError


def unexpected_reason(error: BaseException) -> str:
    """Return an error as a sentence: its own message if it was written for users."""
    return str(error) if isinstance(error, AutodetError) else " ".join(f"{type(error).__name__}: {error}".split())
