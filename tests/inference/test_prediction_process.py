import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from autodet.errors import BundleError, BusyError, ModelError, PhotoError
from autodet.inference import prediction_process
from autodet.inference.detector import Detector, load_detector, load_detector_apart
from autodet.inference.prediction_process import PredictionProcess, load_runtime_apart
from autodet.models.store import find_model
from autodet.processes import module_environment
from tests.helpers import untrained_bundle

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def process():
    return PredictionProcess()


def detector_in(process, model):
    card, runtime = load_runtime_apart(model, process)
    return Detector(replace(model, card=card), runtime)


@pytest.fixture
def detector(trained_bundle, process):
    return detector_in(process, find_model(trained_bundle))


@pytest.fixture
def paths(sample_dataset):
    return [sample_dataset.photo(record) for record in sample_dataset.images[:11]]


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.class_ids, other.class_ids)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
        np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1e-2)


def wait_until(holds, seconds=60.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    assert holds()


def test_photos_get_the_boxes_that_they_get_in_this_process(detector, trained_bundle, paths, sample_dataset):
    here = load_detector(trained_bundle)
    assert_same(detector.predict_many(paths, 0.05), here.predict_many(paths, 0.05))
    assert_same(detector.predict_many([path.read_bytes() for path in paths], 0.05), here.predict_many(paths, 0.05))
    records = sample_dataset.split("val")
    assert_same(detector.predict_dataset(sample_dataset, records), here.predict_dataset(sample_dataset, records))
    assert detector.runtime == here.runtime


def test_a_file_that_is_no_photo_has_its_sentence_and_disturbs_no_other(detector, trained_bundle, paths, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    first, second, third = detector.predict_many([paths[0], broken, paths[1]])
    assert (first.error, third.error) == ("", "")
    assert second.error == next(load_detector(trained_bundle).stream([broken])).error
    assert "broken.jpg' is not a photo" in second.error
    with pytest.raises(PhotoError, match=r"broken\.jpg"):
        detector.predict(broken)


def test_a_damaged_model_has_its_sentence(trained_bundle, process, tmp_path):
    damaged = tmp_path / "damaged.autodet"
    damaged.write_bytes(trained_bundle.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match=r"damaged\.autodet"):
        load_runtime_apart(find_model(damaged), process)


def test_a_replaced_model_is_loaded_again(process, paths, tmp_path):
    """The same file with other weights, and then with other thresholds."""
    bundle = tmp_path / "model.autodet"
    seen = []
    for seed, thresholds in ((0, {}), (1, {}), (1, {"apple": 0.001, "banana": 0.001})):
        model = find_model(untrained_bundle(bundle, seed=seed, thresholds=thresholds))
        detector, here = detector_in(process, model), load_detector(bundle)
        assert detector.card == here.card
        for threshold in (None, 0.0):
            assert_same(detector.predict_many(paths[:1], threshold), here.predict_many(paths[:1], threshold))
        seen.append([detector.predict_many(paths[:1], threshold)[0].scores.tolist() for threshold in (None, 0.0)])
    assert seen[0][1] != seen[1][1], "the weights count"
    assert seen[1][0] != seen[2][0], "the thresholds count"


def test_a_model_that_is_replaced_behind_an_open_page_gets_a_sentence(process, paths, tmp_path):
    """A process that starts later reads the new file, to which the page's classes and thresholds do not belong."""
    bundle = tmp_path / "model.autodet"
    opened = detector_in(process, find_model(untrained_bundle(bundle)))
    before = opened.predict_many(paths[:1], 0.0)
    os.kill(process.pid, signal.SIGKILL)
    for changes in ({"seed": 1}, {"thresholds": {"apple": 0.001}}):
        untrained_bundle(bundle, **changes)
        with pytest.raises(ModelError, match="was replaced while it was in use"):
            opened.predict_many(paths[:1], 0.0)
        detector_in(process, find_model(bundle)).predict_many(paths[:1], 0.0)
    untrained_bundle(bundle, name="Another name")
    assert_same(opened.predict_many(paths[:1], 0.0), before)


def test_a_killed_process_is_replaced_and_its_photo_predicted(detector, process, paths):
    before = detector.predict_many(paths[:1], 0.05)
    first = process.pid
    os.kill(first, signal.SIGKILL)
    assert_same(detector.predict_many(paths[:1], 0.05), before)
    assert process.pid not in (None, first)


def test_a_process_that_always_dies_is_a_sentence(trained_bundle, monkeypatch):
    monkeypatch.setattr(prediction_process, "MODULE", "autodet.version")  # ends at once
    with pytest.raises(ModelError, match="ended twice"):
        load_runtime_apart(find_model(trained_bundle), PredictionProcess())


def test_a_stuck_process_is_ended_at_the_deadline(detector, process, trained_bundle, paths):
    mine = PredictionProcess()
    runtime = load_runtime_apart(find_model(trained_bundle), mine)[1]
    mine.deadline_seconds = 0.2  # loading may take longer
    stuck = mine.pid
    os.kill(stuck, signal.SIGSTOP)
    with pytest.raises(ModelError, match="was ended"):
        list(runtime.predict([(paths[0], "")], 320))
    assert mine.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(stuck, 0)


def test_an_idle_process_ends_and_comes_back(trained_bundle, paths):
    mine = PredictionProcess(idle_seconds=0.1)
    model = find_model(trained_bundle)
    detector = detector_in(mine, model)
    wait_until(lambda: mine.pid is None)
    assert len(detector.predict_many(paths[:2])) == 2


def test_many_visitors_get_their_own_boxes_and_too_many_a_sentence(detector, process, paths, monkeypatch):
    expected = detector.predict_many(paths, 0.05)
    with ThreadPoolExecutor(6) as pool:
        several = list(pool.map(lambda path: detector.predict_many([path], 0.05)[0], paths))
    assert_same(several, expected)
    os.kill(process.pid, signal.SIGSTOP)
    answers = []

    def ask():
        try:
            answers.append(detector.predict_many(paths[:1]))
        except BusyError as error:
            answers.append(error)

    visitors = [threading.Thread(target=ask) for _ in range(prediction_process.MAX_WAITING + 4)]
    for visitor in visitors:
        visitor.start()
    wait_until(lambda: any(isinstance(answer, BusyError) for answer in answers))
    os.kill(process.pid, signal.SIGCONT)
    for visitor in visitors:
        visitor.join(60)
    refused = [answer for answer in answers if isinstance(answer, BusyError)]
    assert 1 <= len(refused) <= 4
    assert len(answers) == len(visitors)


def test_the_parent_loads_neither_torch_nor_onnxruntime(trained_bundle, paths):
    code = f"""
import sys
from pathlib import Path
from autodet.inference.detector import load_detector_apart
from autodet.models.store import find_model
detector = load_detector_apart(find_model(Path({str(trained_bundle)!r})))
detector.predict_many([Path({str(paths[0])!r})])
print([name for name in ("torch", "onnxruntime") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], env=module_environment(), capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_pages_share_one_process(trained_bundle):
    one, other = (load_detector_apart(find_model(trained_bundle)) for _ in range(2))
    assert one._runtime.process is other._runtime.process
