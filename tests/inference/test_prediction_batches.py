import threading

import pytest

from autodet.access.quota import Quota
from autodet.errors import BusyError, ModelError
from autodet.inference.prediction_batches import PredictionBatch, SessionPredictions
from autodet.inference.prediction_process import BATCH
from autodet.records import Prediction
from autodet.settings import load_settings
from tests.helpers import draw_photo

WAY = ("model", False)


class ScriptedDetector:
    """Predicts one box a photo; requests wait for ``gate``, photos named in ``failures`` raise or are unreadable."""

    def __init__(self, **failures):
        self.requests, self.failures = [], failures
        self.gate, self.asked = threading.Event(), threading.Event()
        self.gate.set()

    def predict_named(self, photos, threshold, on_error, *, tiles=False):
        photos = list(photos)
        self.requests.append([name for _, name in photos])
        self.asked.set()
        self.gate.wait(30)
        for source, name in photos:
            failure = self.failures.get(name)
            if isinstance(failure, Exception):
                raise failure
            width = source[0] if isinstance(source, bytes) and source else 0
            boxes = [] if failure else [[0, 0, width, 9]]
            yield Prediction.of(boxes, [0] * len(boxes), [0.9] * len(boxes), error=f"{name} {failure}" * bool(failure))


@pytest.fixture
def session():
    return SessionPredictions("one", Quota())


def photos(count, first=0):
    return [(bytes([number]) * 5, f"{number}.jpg") for number in range(first, first + count)]


def widths(batch):
    return [int(result.prediction.boxes_xyxy[0, 2]) for result in batch.results.values()]


def finished(session, detector, given, earlier=None):
    batch = PredictionBatch(session, detector, WAY, given, earlier or {})
    batch.start()
    batch.wait(30)
    assert not batch.under_way
    return batch


def test_many_photos_get_their_predictions_in_order_and_in_small_requests(session):
    detector = ScriptedDetector()
    batch = finished(session, detector, photos(20))
    assert widths(batch) == list(range(20))
    assert [len(request) for request in detector.requests] == [BATCH, BATCH, 4]
    assert (batch.left, batch.error) == (0, "")


def test_a_batch_that_grows_predicts_only_what_is_new(session):
    detector = ScriptedDetector()
    first = finished(session, detector, photos(10))
    detector.requests.clear()
    more = finished(session, detector, photos(12), first.results)
    assert detector.requests == [["10.jpg", "11.jpg"]]
    assert widths(more) == list(range(12))


def test_the_session_remembers_photos_by_their_content_and_each_model_for_itself(session):
    detector = ScriptedDetector()
    finished(session, detector, photos(3))
    finished(session, detector, [(content, f"copy of {name}") for content, name in photos(3)])
    assert len(detector.requests) == 1
    other = PredictionBatch(session, detector, ("other", False), photos(3), {})
    other.start()
    other.wait(30)
    assert len(detector.requests) == 2


def test_a_photo_given_twice_is_predicted_once(session):
    detector = ScriptedDetector()
    batch = finished(session, detector, [*photos(1), *photos(1), (photos(1)[0][0], "other.jpg")])
    assert detector.requests == [["0.jpg"]]
    assert (len(batch.photos), batch.left) == (2, 0)


def test_unreadable_files_name_themselves_and_stop_nothing(session):
    detector = ScriptedDetector(**{"a.jpg": "is empty", "b.jpg": "is empty"})
    batch = finished(session, detector, [(b"", "a.jpg"), *photos(2, first=1), (b"", "b.jpg")])
    assert [result.prediction.error for result in batch.results.values()] == [
        "a.jpg is empty",
        "",
        "",
        "b.jpg is empty",
    ]


def test_a_cancelled_batch_keeps_what_is_done_and_continues_later(session):
    detector = ScriptedDetector()
    detector.gate.clear()
    batch = PredictionBatch(session, detector, WAY, photos(30), {})
    batch.start()
    assert detector.asked.wait(30)
    batch.cancel()
    assert not batch.under_way
    detector.gate.set()
    batch.wait(30)
    assert (len(detector.requests), batch.error) == (1, "")
    assert 0 < batch.left < 30
    batch.start()
    batch.wait(30)
    assert widths(batch) == list(range(30))


def test_a_full_queue_stops_a_batch_with_its_sentence(session):
    detector = ScriptedDetector(**{"9.jpg": BusyError("Too many photos are waiting.")})
    batch = finished(session, detector, photos(20))
    assert batch.error == "Too many photos are waiting."
    assert widths(batch) == list(range(BATCH))
    detector.failures.clear()
    batch.start()
    batch.wait(30)
    assert (batch.left, batch.error) == (0, "")


def test_a_photo_that_ends_the_process_is_the_only_one_lost(session):
    detector = ScriptedDetector(**{"3.jpg": ModelError("The prediction process ended twice.")})
    batch = finished(session, detector, photos(12))
    errors = {name: result.prediction.error for (_, name), result in batch.results.items() if result.prediction.error}
    assert errors == {"3.jpg": "'3.jpg': The prediction process ended twice."}
    assert batch.left == 0


def test_a_model_that_fails_on_every_photo_stops_the_batch(session):
    broken = ModelError("The model is damaged.")
    batch = finished(session, ScriptedDetector(**{f"{number}.jpg": broken for number in range(20)}), photos(20))
    assert (batch.error, batch.left) == ("The model is damaged.", 20)


def test_batches_of_two_visitors_take_turns():
    """One prediction process serves them; neither waits for the end of the other."""
    detector, turns = ScriptedDetector(), threading.Semaphore(0)
    detector.gate = turns
    turns.wait = lambda _: turns.acquire(timeout=30)
    batches = [PredictionBatch(SessionPredictions(one, Quota()), detector, WAY, photos(16), {}) for one in "ab"]
    for batch in batches:
        batch.start()
    turns.release(4)
    for batch in batches:
        batch.wait(30)
        assert batch.left == 0
    assert len(detector.requests) == 4


def test_the_quotas_of_a_demo_keep_what_they_allow(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    monkeypatch.setenv("AUTODET_DEMO_PHOTOS", "11,100")
    assert load_settings().mode == "demo"
    session, detector = SessionPredictions("one", Quota()), ScriptedDetector()
    batch = finished(session, detector, photos(20))
    assert "at most 11 photos an hour" in batch.error
    assert batch.left == 9
    assert [len(request) for request in detector.requests] == [BATCH, 3]


def test_a_file_on_the_disk_is_predicted_and_a_missing_one_has_its_sentence(session, trained_bundle, tmp_path):
    from autodet.inference.detector import load_detector

    draw_photo().save(tmp_path / "there.png")
    given = [(tmp_path / "there.png", "there.png"), (tmp_path / "gone.png", "gone.png")]
    there, gone = finished(session, load_detector(trained_bundle), given).results.values()
    assert (there.prediction.size_wh, there.prediction.error) == ((64, 48), "")
    assert "gone.png" in gone.prediction.error
