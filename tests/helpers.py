"""Tiny data sets for tests: drawn photos with VOC labels, in folders and zips."""

import os
import time
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from autodet.datasets.imports.import_job import Import
from autodet.datasets.imports.import_state import ImportStatus
from autodet.models.bundle import write_bundle
from autodet.models.model_card import ModelCard
from autodet.processes import module_environment
from autodet.workspace import Workspace
from tests.tiers import PROCESS, implies

Mark = tuple[str, tuple[float, float, float, float]]
APPLE: Mark = ("apple", (4, 6, 30, 40))
UNTRAINED = "fasterrcnn_efficientnet_lite0"  # without training, it finds as much as it can
BANANA: Mark = ("banana", (20, 10, 60, 44))


def workspace_in(folder: Path) -> Workspace:
    return Workspace(folder / "home")


def draw_photo(size_wh: tuple[int, int] = (64, 48), seed: int = 0, mode: str = "RGB") -> Image.Image:
    """A photo of coloured noise; another seed, another photo."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def voc_xml(filename: str, size_wh: tuple[int, int] = (64, 48), marks: Iterable[Mark] = (APPLE,)) -> str:
    objects = "".join(
        f"<object><name>{escape(name)}</name><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box in marks
    )
    size = f"<size><width>{size_wh[0]}</width><height>{size_wh[1]}</height></size>"
    return f"<annotation><filename>{escape(filename)}</filename>{size}{objects}</annotation>"


def write_labelled(
    folder: Path, stem: str, marks: Iterable[Mark] = (APPLE,), size_wh: tuple[int, int] = (64, 48), seed: int = 0
) -> Path:
    """A PNG photo and its XML beside it; returns the XML's path."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_photo(size_wh, seed).save(folder / f"{stem}.png")
    path = folder / f"{stem}.xml"
    path.write_text(voc_xml(f"{stem}.png", size_wh, marks), encoding="utf-8")
    return path


def write_voc(folder: Path, photos: int = 20, marks: Iterable[Mark] = (APPLE, BANANA)) -> Path:
    """A folder of photos with the same marks on each; returns the folder."""
    for number in range(photos):
        write_labelled(folder, f"photo_{number:02}", marks, seed=crc32(folder.name.encode()) + number)
    return folder


def zip_folder(folder: Path, archive: Path) -> Path:
    """Zip a folder's content."""
    return write_zip(archive, {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.*"))})


def write_zip(archive: Path, files: Mapping[str, bytes | str]) -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive


def break_imports(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the process of an import that begins now fail at its start."""
    (folder / "PIL.py").write_text('raise ImportError("no such library")\n')
    path = f"{folder}{os.pathsep}{module_environment()['PYTHONPATH']}"
    monkeypatch.setattr(
        "autodet.processes.module_environment",
        lambda *secrets, **settings: module_environment(*secrets, **settings, PYTHONPATH=path),
    )


def untrained_bundle(
    path: Path, classes: tuple[str, ...] = ("apple", "banana"), seed: int = 0, **facts: object
) -> Path:
    """A model with weights that fit its network but have learnt nothing; returns the path."""
    card = {
        "name": path.stem,
        "classes": classes,
        "architecture": UNTRAINED,
        "image_size": 96,
        "dataset": "earlier",
        "dataset_fingerprint": "e" * 64,
        "metrics": {"map50": 0.5},
    } | facts
    write_bundle(path, ModelCard(**card), _untrained_weights(str(card["architecture"]), len(classes), seed))
    return path


@lru_cache(maxsize=2)
def _untrained_weights(architecture: str, class_count: int, seed: int) -> bytes:
    import safetensors.torch
    import torch

    from autodet.models.registry import build_network

    torch.manual_seed(seed)
    network = build_network(architecture, class_count, pretrained=False)
    return safetensors.torch.save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})


@implies(PROCESS)
def wait_for(one: Import, seconds: float = 600.0) -> ImportStatus:
    """Wait until an import is no longer working."""
    deadline = time.monotonic() + seconds
    while (status := one.status()).state == "working" and time.monotonic() < deadline:
        time.sleep(0.05)
    return status
