"""Predictions on many photos side by side, through the detector."""

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from autodet.errors import PhotoError
from autodet.inference.bundle_graph import add_graph
from autodet.inference.detector import load_detector
from autodet.inference.runtime import RUNTIMES
from tests.helpers import draw_photo, untrained_bundle


@pytest.fixture(scope="module", params=RUNTIMES)
def detector(tmp_path_factory, request):
    path = untrained_bundle(tmp_path_factory.mktemp("untrained") / "small.autodet", architecture="nanodet_g")
    assert request.param == "torch" or add_graph(path)
    return load_detector(path, device="cpu", runtime=request.param)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Thirty files, each of another width."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"{number:02}.png" for number in range(30)]
    for number, path in enumerate(paths):
        draw_photo((40 + number, 48), seed=number).save(path)
    return paths


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("autodet-photos")]


def test_many_photos_are_predicted_in_order_as_each_alone(detector, photos):
    together = list(detector.stream(photos, threshold=0))
    assert [seen.size_wh[0] for seen in together] == [40 + number for number in range(30)]
    for path, seen in zip(photos, together, strict=True):
        class_ids, scores, boxes = detector.predict(path, threshold=0)
        np.testing.assert_allclose(seen.scores, scores, atol=1e-4)
        surely_ordered = np.abs(np.diff(scores, prepend=2, append=-1))
        sure = np.minimum(surely_ordered[:-1], surely_ordered[1:]) > 1e-4  # others may change places
        np.testing.assert_array_equal(seen.class_ids[sure], class_ids[sure])
        np.testing.assert_allclose(seen.boxes_xyxy[sure], boxes[sure], atol=0.05)


@pytest.mark.parametrize("place", [0, 7, 29])
def test_a_photo_that_cannot_be_read_keeps_its_place(detector, photos, place):
    given = [*photos[:place], "gone.png", *photos[place + 1 :]]
    seen = list(detector.stream(given))
    assert [number for number, one in enumerate(seen) if one.error] == [place]
    assert "gone.png' is not there" in seen[place].error
    before = []
    with pytest.raises(PhotoError, match="gone"):
        for one in detector.stream(given, on_error="raise"):
            before.append(one.size_wh[0])
    assert before == [40 + number for number in range(place)]
    assert not workers()


def test_photos_are_taken_one_by_one_as_they_are_needed_in_the_callers_thread(detector, photos):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(threading.get_ident())
            yield photos[number % 30]

    stream = detector.stream(endless())
    assert not taken
    for _ in range(50):
        next(stream)
    assert set(taken) == {threading.get_ident()}
    assert len(taken) < 50 + 150  # a few batches ahead
    stream.close()
    assert not workers()


def test_threads_end_with_the_predictions_also_if_they_are_left_early(detector, photos):
    def threads_of_torch():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        return torch.get_num_threads(), *seen

    before = threads_of_torch()
    stream = detector.stream(photos)
    next(stream)
    assert workers() or torch.get_num_threads() == 1
    del stream
    assert not workers()
    list(detector.stream(photos))
    assert not workers()
    assert threads_of_torch() == before


def test_an_error_of_the_iterable_comes_after_the_photos_before_it(detector, photos):
    def broken():
        yield from photos[:5]
        raise PhotoError("The camera is off.")

    seen = []
    with pytest.raises(PhotoError, match="The camera is off"):
        for one in detector.stream(broken()):
            seen.append(one.size_wh[0])
    assert seen == [40, 41, 42, 43, 44]
    assert not workers()


def test_a_buffer_or_file_may_change_once_the_next_photo_is_asked_for(detector, photos):
    expected = [detector.predict(path, 0)[1] for path in photos[:6]]
    pixels = [np.asarray(Image.open(path).resize((64, 48))) for path in photos[:6]]
    alone = [detector.predict(one, 0)[1] for one in pixels]

    def frames():
        frame = np.empty_like(pixels[0])
        for one in pixels:
            frame[:] = one
            yield frame

    def files():
        for path in photos[:6]:
            with path.open("rb") as file:
                yield file

    def buffers():
        buffer = bytearray()
        for path in photos[:6]:
            buffer[:] = path.read_bytes()
            yield buffer

    for given, scores in ((frames(), alone), (files(), expected), (buffers(), expected)):
        for seen, wanted in zip(detector.stream(given, 0, on_error="raise"), scores, strict=True):
            np.testing.assert_allclose(seen.scores, wanted, atol=1e-4)


def test_large_files_are_predicted_too(detector, photos, monkeypatch):
    monkeypatch.setattr("autodet.inference.photo_batches.LARGE_BYTES", 100)
    contents = [path.read_bytes() for path in photos]
    for given in (photos, contents):
        assert [seen.size_wh[0] for seen in detector.stream(given)] == [40 + number for number in range(30)]


def test_equal_photos_of_a_data_set_are_predicted_once(detector, sample_dataset):
    first, second = sample_dataset.images[:2]
    copies = [first, second, replace(first, file="no-such-file.png"), second]  # equal by their checksums
    progress = []
    seen = detector.predict_dataset(sample_dataset, copies, lambda done, total: progress.append((done, total)))
    assert progress[-1] == (4, 4)
    assert [seen[0] is seen[2], seen[1] is seen[3], seen[0] is seen[1]] == [True, True, False]
    with pytest.raises(PhotoError, match="no-such-file"):
        detector.predict_dataset(sample_dataset, [second, replace(first, file="no-such-file.png", sha256="")])
