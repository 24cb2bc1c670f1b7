"""Errors and warnings, as sentences that a user can act on.

Every message names the problem, its place and a remedy. The command line prints it unchanged and exits
with status 2; a page shows it in a box. Users never see anything else.

    AutodetError
    ├── SettingsError        an environment variable or secret has an invalid value
    ├── NotFoundError        no data set, search or model has that name
    ├── AmbiguousNameError   several things have that name, where it must be unique
    ├── BusyError            another process uses the folder
    ├── AccessError          the visitor may not do this
    │   └── QuotaError       the visitor has used up a quota
    ├── DatasetError         a data set cannot be read or used as requested
    │   ├── DraftConflictError  the labels of a photo were changed by another tab or person
    │   ├── AmbiguousFormatError  labels in several formats
    │   ├── LargeDownloadError  a source of gigabytes, whose download needs confirmation
    │   ├── DownloadInterruptedError  a download was interrupted and can be resumed
    │   └── ArchiveError     a file is no zip, or a corrupt or malicious one
    ├── PhotoError           a photo cannot be read
    ├── SearchError          a search cannot be started, stopped or resumed as requested
    │   └── SearchUnfinishedError  the result of an unfinished search was requested
    ├── StorageError         the database of searches cannot be used
    │   └── StorageBusyError  the same, temporarily
    ├── RegistryError        the model registry cannot be used as requested
    ├── TrainingError        a trial cannot continue (loss not finite, no training data)
    └── ModelError           a model cannot be used as requested
        ├── BundleError      an .autodet file is truncated, modified or foreign
        │   └── LaterVersionError  a later version of autodet made it
        └── WeightsError     pretrained weights are not available on this machine

The command line and the pages turn errors of the operating system (a full disk, a missing permission) into
sentences with ``sentence_for``.

``AutodetWarning`` is not an error: Python code gets it where the command line prints a caution. A ``NameWarning``
reports which of several things a name refers to.
"""

import errno
import sys
import warnings
from collections.abc import Iterator, Mapping

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class AutodetError(Exception):
    """Base class of all errors that a user can act on."""


class SettingsError(AutodetError):
    """An environment variable or secret has an invalid value."""


class NotFoundError(AutodetError):
    """No data set, search or model in the workspace has that name."""


class AmbiguousNameError(AutodetError):
    """Several things have that name, where it must be unique."""


class BusyError(AutodetError):
    """Another process uses the folder."""


class AccessError(AutodetError):
    """The visitor may not do this."""


class QuotaError(AccessError):
    """The visitor, or all visitors together, have used up a quota."""


class DatasetError(AutodetError):
    """A data set cannot be read or used as requested."""


class DraftConflictError(DatasetError):
    """A photo was changed since the revision that a change of its labels is based on.

    Attributes:
        current: The draft as it stands now, a ``records.PhotoDraft``.
    """

    def __init__(self, current: object) -> None:
        super().__init__("Another tab or person changed the labels of this photo; compare both, and choose one.")
        self.current = current


class AmbiguousFormatError(DatasetError):
    """A source holds labels in several formats; the caller must choose one.

    Attributes:
        photos: Number of labelled photos by format.
    """

    def __init__(self, message: str, photos: Mapping[str, int]) -> None:
        super().__init__(message)
        self.photos = photos

    @property
    def formats(self) -> tuple[str, ...]:
        """The names to choose from."""
        return tuple(self.photos)


class LargeDownloadError(DatasetError):
    """A source is so large that its download needs confirmation.

    Attributes:
        files: Number of files.
        bytes: Their size.
    """

    def __init__(self, message: str, files: int, bytes: int) -> None:
        super().__init__(message)
        self.files, self.bytes = files, bytes


class DownloadInterruptedError(DatasetError):
    """A download was interrupted; the received part is kept as long as its folder exists."""


class ArchiveError(DatasetError):
    """A file is no zip archive, or a corrupt or malicious one."""


class PhotoError(AutodetError):
    """A photo cannot be read."""


class SearchError(AutodetError):
    """A search cannot be started, stopped or resumed as requested."""


class SearchUnfinishedError(SearchError):
    """The result of an unfinished search was requested.

    Attributes:
        state: State of the search: ``interrupted``, ``stopped``, ``failed``, or an active one.
    """

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class StorageError(AutodetError):
    """The database of searches cannot be used."""


class StorageBusyError(StorageError):
    """The database of searches is locked, restarting or unreachable, which may be temporary."""


class RegistryError(AutodetError):
    """The model registry cannot be used as requested."""


class TrainingError(AutodetError):
    """A trial cannot continue."""


class ModelError(AutodetError):
    """A model cannot be used as requested."""


class BundleError(ModelError):
    """An .autodet file is truncated, modified or foreign."""


class LaterVersionError(BundleError):
    """A later version of autodet made the .autodet file, and this version cannot use it."""


class WeightsError(ModelError):
    """Pretrained weights are not available on this machine."""


def sentence_for(error: BaseException) -> str | None:
    """Return the sentence that explains an error to a user; None for an unexpected error.

    Args:
        error: An exception; those of this module and of the operating system have a sentence.
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
    """Return a sentence if a full disk or an exceeded quota caused an error, else None."""
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
    """A caution: the work continues, but its result needs care."""


class NameWarning(AutodetWarning):
    """A name is ambiguous or already taken."""


def warn(caution: str, category: type[AutodetWarning] = AutodetWarning) -> None:
    """Issue a warning that points to the line that called this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("autodet", "contextlib"):
        level, frame = level + 1, frame.f_back
    warnings.warn(caution, category, stacklevel=level)
