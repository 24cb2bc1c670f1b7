"""The order in which photos get memory and predictions."""

import asyncio
from types import SimpleNamespace

import pytest

from autodet.errors import BusyError, ModelError, PhotoError
from autodet.inference import detector as detectors
from autodet.models.store import StoredModel
from autodet.records import Prediction
from autodet.server.api.photo_memory import (
    MAX_ADDRESS_BYTES,
    MAX_ADDRESS_REQUESTS,
    MAX_BYTES,
    MAX_REQUESTS,
    PhotoMemory,
)
from autodet.server.api.predictor import Predictor


async def run_until_idle():
    for _ in range(5):
        await asyncio.sleep(0)


def in_loop(test):
    """Run an asynchronous test."""

    def run():
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


@in_loop
async def test_memory_is_given_in_order_and_comes_back():
    memory, done = PhotoMemory(), []

    async def hold(address, size, release):
        with memory.share(address, size) as share:
            await share.granted
            done.append(address)
            await release.wait()

    release = {name: asyncio.Event() for name in "abcd"}
    tasks = [asyncio.create_task(hold(name, MAX_BYTES // 2, release[name])) for name in "abc"]
    tasks.append(asyncio.create_task(hold("d", 1, release["d"])))
    await run_until_idle()
    assert done == ["a", "b"]  # even the small one waits behind the third
    release["b"].set()
    await run_until_idle()
    assert done == ["a", "b", "c"]
    release["a"].set()
    await run_until_idle()
    assert done == ["a", "b", "c", "d"]
    release["c"].set(), release["d"].set()
    await asyncio.gather(*tasks)
    with memory.share("e", MAX_ADDRESS_BYTES) as share:
        assert share.granted.done()


@in_loop
async def test_one_address_does_not_take_the_memory_of_others():
    memory = PhotoMemory()
    with (
        memory.share("greedy", MAX_ADDRESS_BYTES) as first,
        memory.share("greedy", 1) as second,
        memory.share("polite", 1) as third,
    ):
        assert [share.granted.done() for share in (first, second, third)] == [True, False, True]
        memory.shrink(first, 10)
        assert second.granted.done()


@in_loop
async def test_a_request_that_is_cancelled_gives_its_place_to_the_next():
    memory = PhotoMemory()

    async def hold():
        with memory.share("b", MAX_BYTES // 2) as share:
            await share.granted

    with memory.share("a", MAX_BYTES // 2), memory.share("c", MAX_BYTES // 2):
        waiting = asyncio.create_task(hold())
        await run_until_idle()
        with memory.share("d", 1) as behind:
            assert not behind.granted.done()
            memory.shrink(behind, 0)
            waiting.cancel()
            await run_until_idle()
            assert behind.granted.done()


@in_loop
async def test_there_is_an_end_to_waiting():
    memory = PhotoMemory()
    shares = [memory.share("a", MAX_ADDRESS_BYTES) for _ in range(MAX_ADDRESS_REQUESTS)]
    for share in shares:
        share.__enter__()
    with pytest.raises(BusyError, match="try again"), memory.share("a", 1):
        pass
    others = [memory.share(str(number), 1) for number in range(MAX_REQUESTS - MAX_ADDRESS_REQUESTS)]
    for share in others:
        share.__enter__()
    with pytest.raises(BusyError, match="try again"), memory.share("another", 1):
        pass
    for share in (*shares, *others):
        share.__exit__(None, None, None)


class Detector:
    """A detector that notes the photos it gets, and fails on some."""

    def __init__(self, model: StoredModel) -> None:
        self.card, self.batches = model.card, []

    def predict_named(self, photos, threshold, on_error="raise", *, tiles=False):
        self.batches.append([name for _, name in photos])
        if any(content == b"fatal" for content, _ in photos):
            raise ModelError("The prediction process ended twice.")
        if any(content == b"broken" for content, _ in photos):
            raise PhotoError("It cannot be read.")
        return iter([Prediction.of([], [], []) for _ in photos])


def model(name: str) -> StoredModel:
    return StoredModel(name, name, SimpleNamespace(name=name))


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """The detectors that were loaded, by model."""
    found = {}
    monkeypatch.setattr(detectors, "load_detector_apart", lambda one: found.setdefault(one.id, Detector(one)))
    return found


def test_photos_for_one_model_are_predicted_together(loaded):
    async def run():
        predictor, apple, pear = Predictor(), model("apple"), model("pear")
        orders = [(apple, 1), (apple, 2), (pear, 3), (apple, 4), *((apple, number) for number in range(5, 14))]
        await asyncio.gather(*(predictor.predict(one, b"", str(number)) for one, number in orders))

    asyncio.run(run())
    assert loaded["apple"].batches[0] == ["1", "2", "4", "5", "6", "7", "8", "9"]
    assert loaded["pear"].batches == [["3"]]
    assert sum(map(len, loaded["apple"].batches)) == 12


def test_a_photo_on_tiles_is_predicted_alone(loaded):
    async def run():
        predictor, one = Predictor(), model("apple")
        await asyncio.gather(
            *(predictor.predict(one, b"", name, tiles=name == "large") for name in ("a", "large", "b"))
        )

    asyncio.run(run())
    assert loaded["apple"].batches == [["a", "b"], ["large"]]


def test_a_photo_that_fails_takes_no_other_along(loaded):
    async def run():
        predictor, one = Predictor(), model("apple")
        photos = [(b"", "a"), (b"fatal", "b"), (b"broken", "c"), (b"", "d")]
        return await asyncio.gather(
            *(predictor.predict(one, content, name) for content, name in photos), return_exceptions=True
        )

    results = asyncio.run(run())
    assert [type(result) for result in results] == [Prediction, ModelError, PhotoError, Prediction]


def test_a_photo_whose_client_is_gone_is_not_predicted(loaded):
    async def run():
        predictor, one = Predictor(), model("apple")
        first = asyncio.create_task(predictor.predict(one, b"", "first"))
        gone = asyncio.create_task(predictor.predict(model("pear"), b"", "gone"))
        await asyncio.sleep(0)
        gone.cancel()
        last = asyncio.create_task(predictor.predict(one, b"", "last"))
        await asyncio.gather(first, last)

    asyncio.run(run())
    assert "pear" not in loaded
    assert [name for batch in loaded["apple"].batches for name in batch] == ["first", "last"]
