"""What can go wrong, as sentences that a user can act on.

Every message says what is wrong, where, and what to do; the command line prints it as it is and exits
with status 2, a page shows it in a box. Nothing else is ever shown to a user.

    AutodetError
    ├── SettingsError        an environment variable or secret has a value that makes no sense
    ├── NotFoundError        no data set, search or model of that name
    ├── AmbiguousNameError   several things of that name, where one must be meant
    ├── BusyError            a folder that another process is at work on
    ├── DatasetError         a data set that cannot be read or used as asked
    │   ├── AmbiguousFormatError  labels in several formats
    │   ├── LargeDownloadError  a source of gigabytes that nobody has agreed to fetch
    │   ├── DownloadInterruptedError  a download that broke off, and can go on
    │   └── ArchiveError     a file that is no zip, or a zip that is broken or hostile
    ├── PhotoError           a photo that cannot be read
    ├── SearchError          a search that cannot be started, stopped or resumed as asked
    │   └── SearchUnfinishedError  a search that has not finished, where its result was asked for
    ├── StorageError         the database of searches, which cannot be used
    │   └── StorageBusyError  the same, for a while
    ├── TrainingError        a trial that cannot go on (loss not finite, nothing to learn from)
    └── ModelError           a model that cannot be used as asked
        ├── BundleError      an .autodet file that is cut short, changed or foreign
        │   └── LaterVersionError  one that a later version of autodet made
        └── WeightsError     pretrained weights that cannot be had here

The operating system's own errors (a full disk, a file without permission) become sentences at the edges, by
``sentence_for``.

``AutodetWarning`` is no error: Python code gets it where the command line prints a caution. A ``NameWarning`` says
which of several things a name is taken for.
"""

import errno
import sys
import warnings
from collections.abc import Iterator

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class AutodetError(Exception):
    """The root: whoever catches this catches every mistake that a user can act on."""


class SettingsError(AutodetError):
    """An environment variable or secret has a value that makes no sense."""


class NotFoundError(AutodetError):
    """No data set, search or model of that name in the workspace."""


class AmbiguousNameError(AutodetError):
    """Several things of that name, where one must be meant."""


class BusyError(AutodetError):
    """A folder that another process is at work on."""


class DatasetError(AutodetError):
    """A data set that cannot be read or used as asked."""


class AmbiguousFormatError(DatasetError):
    """A source that holds labels in several formats; somebody must say which.

    Attributes:
        formats: The names to choose from.
    """

    def __init__(self, message: str, formats: tuple[str, ...]) -> None:
        super().__init__(message)
        self.formats = formats


class LargeDownloadError(DatasetError):
    """A source so large that somebody must agree before it is fetched."""


class DownloadInterruptedError(DatasetError):
    """A download that broke off; what has come is kept for as long as its folder is."""


class ArchiveError(DatasetError):
    """A file that is no zip archive, or one that is broken or hostile."""


class PhotoError(AutodetError):
    """A photo that cannot be read."""


class SearchError(AutodetError):
    """A search that cannot be started, stopped or resumed as asked."""


class SearchUnfinishedError(SearchError):
    """A search that has not finished, where its result was asked for.

    Attributes:
        state: What the search is: ``interrupted``, ``stopped``, ``failed``, or still at work.
    """

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class StorageError(AutodetError):
    """The database of searches cannot be used."""


class StorageBusyError(StorageError):
    """The database of searches is locked, restarting, or out of reach; that may pass by itself."""


class TrainingError(AutodetError):
    """A trial that cannot go on."""


class ModelError(AutodetError):
    """A model that cannot be used as asked."""


class BundleError(ModelError):
    """An .autodet file that is cut short, changed or not one of ours."""


class LaterVersionError(BundleError):
    """An .autodet file that a later version of autodet made, and this one cannot use."""


class WeightsError(ModelError):
    """Pretrained weights that cannot be had on this machine."""


def sentence_for(error: BaseException) -> str | None:
    """What to tell a user of an error; None if it is one that nobody foresaw.

    Args:
        error: One of this module's, or one of the operating system's.
    """
    if isinstance(error, AutodetError):
        return str(error)
    if full := disk_full_sentence(error):
        return full
    if isinstance(error, OSError) and error.strerror:
        where = error.filename or "A file"
        return f"{where} cannot be used: {error.strerror}; check its name, its permissions and the free space."
    return None


def disk_full_sentence(error: BaseException) -> str | None:
    """A sentence if a full disk, or a quota, is behind an error."""
    for cause in _causes(error):
        full = isinstance(cause, OSError) and cause.errno in DISK_FULL
        if full or "database or disk is full" in str(cause):
            where = f" ({cause.filename})" if isinstance(cause, OSError) and cause.filename else ""
            return f"The disk is full{where}; free some space."
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


class AutodetWarning(UserWarning):
    """A caution: the work goes on, but its result needs care."""


class NameWarning(AutodetWarning):
    """A name that could mean several things, or that was taken already."""


def warn(caution: str, category: type[AutodetWarning] = AutodetWarning) -> None:
    """Warn the Python code that called this package, at its own line."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("autodet", "contextlib"):
        level, frame = level + 1, frame.f_back
    warnings.warn(caution, category, stacklevel=level)
