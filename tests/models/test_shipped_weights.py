"""The weights that are a part of autodet: found without a network, and never used if a byte is wrong."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AutodetWarning, WeightsError
from autodet.messages.cautions import cautions_text
from autodet.models import weights as places
from autodet.models.registry import DEFAULT_ARCHITECTURE, build_network, find_architecture, weights_problem
from autodet.models.weights import find_weights, load_weights
from autodet.search.start import start_search
from tests.helpers import write_voc

ROOT = Path(__file__).parents[2]
WEIGHTS = find_architecture(DEFAULT_ARCHITECTURE).weights
SHIPPED = places.SHIPPED / WEIGHTS.file


def flipped(place):
    def flip(path):
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)

    return flip


def replaced(path):
    """Another valid file: the same names and shapes, other numbers."""
    state = safetensors.torch.load_file(path)
    safetensors.torch.save_file({name: tensor * 1.01 for name, tensor in state.items()}, path)


FAULTS = {
    "missing": Path.unlink,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty": lambda path: path.write_bytes(b""),
    "first byte": flipped(0),
    "header": flipped(1000),
    "middle": flipped(4_000_000),
    "last byte": flipped(-1),
    "replaced": replaced,
}


@pytest.fixture(params=FAULTS)
def broken(request, offline, tmp_path, monkeypatch):
    """An installation without network whose own weights have a fault; returns the word for it."""
    folder = tmp_path / "pretrained"
    shutil.copytree(places.SHIPPED, folder)
    monkeypatch.setattr(places, "SHIPPED", folder)
    FAULTS[request.param](folder / WEIGHTS.file)
    return "missing" if request.param == "missing" else "damaged or replaced"


def test_a_fault_is_one_sentence_before_a_search_starts(broken, workspace, tmp_path):
    problem = weights_problem(DEFAULT_ARCHITECTURE)
    assert problem.startswith("NanoDet-g cannot start here. Its weights (")
    assert f"a part of autodet, are {broken}: install autodet again" in problem
    data = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    with pytest.raises(WeightsError, match=broken):
        start_search(data, launcher=lambda _folder: None)
    assert not list(workspace.searches.glob("[!.]*"))
    with pytest.raises(WeightsError, match=broken):
        build_network(DEFAULT_ARCHITECTURE, 1, pretrained=True)


@pytest.mark.parametrize("place", ["settings", "cache"])
def test_another_place_heals_it(broken, place, cache, tmp_path, monkeypatch):
    folder = cache if place == "cache" else tmp_path / "mine"
    folder.mkdir(parents=True)
    shutil.copy(SHIPPED, folder)
    if place == "settings":
        monkeypatch.setenv("AUTODET_WEIGHTS", str(folder))
    assert weights_problem(DEFAULT_ARCHITECTURE) is None
    assert find_weights(WEIGHTS).parent == folder
    assert build_network(DEFAULT_ARCHITECTURE, 1, pretrained=True)


def test_a_file_that_changes_after_the_lookup_is_not_used(offline, tmp_path, monkeypatch):
    path = tmp_path / WEIGHTS.file
    shutil.copy(SHIPPED, path)
    monkeypatch.setattr(places, "find_weights", lambda weights: path)
    replaced(path)
    with pytest.raises(WeightsError, match="a part of autodet"):
        load_weights(WEIGHTS)


def test_a_fresh_installation_without_network_starts_from_them(offline):
    published = safetensors.torch.load_file(SHIPPED)
    network = build_network(DEFAULT_ARCHITECTURE, 2, pretrained=True, classes=("apple", "unicorn"))
    stage = published["backbone.stage4.fuse.weight"].float()
    assert torch.equal(network.get_submodule("backbone.body.stage4.fuse").weight, stage)


@pytest.mark.process
def test_a_wheel_carries_them_with_their_notice(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "autodet", source / "autodet", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*pip, "-w", tmp_path], cwd=source, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert wheel.read(f"autodet/models/pretrained/{WEIGHTS.file}") == SHIPPED.read_bytes()
        notice = wheel.read("autodet/models/pretrained/NOTICE").decode()
        packed = set(wheel.namelist())
    assert "Apache" in notice
    files = (path for path in (ROOT / "autodet").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert {path.relative_to(ROOT).as_posix() for path in files} <= packed


def test_a_damaged_file_in_the_folder_of_the_settings_is_told_before_a_search_starts(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTODET_WEIGHTS", str(tmp_path))
    data = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)

    def cautions():
        return cautions_text(start_search(data, launcher=lambda _folder: None).status().cautions)

    shutil.copy(SHIPPED, tmp_path)
    assert "damaged" not in cautions()
    flipped(4_000_000)(tmp_path / WEIGHTS.file)
    with pytest.warns(
        AutodetWarning, match=f"{WEIGHTS.file} is damaged or not the published file, so NanoDet-g starts"
    ):
        assert f"{tmp_path / WEIGHTS.file} is damaged" in cautions()
