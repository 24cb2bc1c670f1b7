"""Processes that push and tag at the same time, and some that are killed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import autodet
from autodet.processes import OWN_S3_KEYS, module_environment
from autodet.registry.bundles import find_any_model
from tests.registry.conftest import small_bundle

ROOT = Path(__file__).parents[2]
CROWD = 8


def crowd(*words: object) -> int:
    """The exit status of ``tests.registry.crowd``; for several processes, how many failed."""
    command = [sys.executable, "-m", "tests.registry.crowd", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=module_environment(OWN_S3_KEYS), timeout=240, check=False).returncode


@pytest.fixture
def bundles(tmp_path) -> Path:
    folder = tmp_path / "bundles"
    folder.mkdir()
    for number in range(CROWD):
        small_bundle(folder / f"{number}.autodet", b"weights %d" % number)
    return folder


def test_pushes_at_once_make_a_version_each(place, bundles):
    assert crowd("push", bundles) == 0
    (model,) = autodet.list_registry()
    assert [version.version for version in model.versions] == list(range(CROWD, 0, -1))
    assert len({version.sha256 for version in model.versions}) == CROWD
    assert crowd("push", bundles) == 0, "all again"
    assert autodet.list_registry() == [model]


def test_pushes_of_one_bundle_at_once_make_one_version(place, bundles):
    for path in bundles.iterdir():
        small_bundle(path)
    assert crowd("push", bundles) == 0
    assert [version.version for version in autodet.list_registry("fruit")[0].versions] == [1]


def test_moves_of_a_tag_at_once_are_all_in_its_history(place, bundles):
    for path in bundles.iterdir():
        autodet.push_model(path, "fruit")
    assert crowd("tag", CROWD) == 0
    moves = autodet.list_registry("fruit")[0].moves["production"][::-1]
    assert sorted(move.version for move in moves) == list(range(1, CROWD + 1))
    assert [move.before for move in moves] == [None, *(move.version for move in moves[:-1])]


@pytest.mark.parametrize("moment", ["sending", "published"])
def test_a_killed_push_leaves_nothing_that_anyone_sees(place, tmp_path, moment):
    bundle = small_bundle(tmp_path / "fruit.autodet", b"weights" * 1_000_000)
    assert crowd("die", place.passes if moment == "sending" else moment, bundle) == -signal.SIGKILL
    assert autodet.list_registry() == []
    assert autodet.push_model(bundle, "fruit").version == 1
    assert find_any_model("registry:fruit").path.read_bytes() == bundle.read_bytes()
