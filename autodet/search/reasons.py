"""Why something went wrong, in a sentence that a user can act on."""

import errno
from collections.abc import Iterator

from autodet.errors import AutodetError

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def disk_full_reason(error: BaseException) -> str | None:
    """A sentence if a full disk, or a quota, is behind an error."""
    for cause in _causes(error):
        full = isinstance(cause, OSError) and cause.errno in DISK_FULL
        if full or "database or disk is full" in str(cause):
            where = f" ({cause.filename})" if isinstance(cause, OSError) and cause.filename else ""
            return f"The disk is full{where}; free some space."
    return None


def unforeseen_reason(error: BaseException) -> str:
    """An error as a sentence: its own, if it was written for users."""
    return str(error) if isinstance(error, AutodetError) else " ".join(f"{type(error).__name__}: {error}".split())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
