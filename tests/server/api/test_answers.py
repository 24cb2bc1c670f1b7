"""Answers of the API: models, predictions, and a sentence for each mistake."""

import asyncio
import json
from io import BytesIO
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.requests import Request

from autodet.inference.box_drawings import MARK
from autodet.inference.detector import load_detector
from autodet.server.api import application, photo_bodies, photo_memory
from autodet.server.api.openapi import SCHEMAS
from autodet.server.api.refusals import Refusal
from autodet.version import __version__
from tests.server.api.conftest import FRUIT, PREDICT

JPEG = {"Content-Type": "image/jpeg"}


def encoded(size_wh=(8, 8), format="PNG") -> bytes:
    content = BytesIO()
    Image.new("RGB", size_wh).save(content, format)
    return content.getvalue()


def error_of(answer, status: int) -> str:
    """The sentence of a mistake."""
    assert answer.status_code == status, answer.text
    (sentence,) = answer.json().values()
    assert answer.json().keys() == {"error"}
    assert sentence.endswith(".")
    return sentence


def test_a_prediction_is_that_of_the_detector(client, fruit, photo):
    answer = client.post(PREDICT, files={"image": photo})
    assert answer.status_code == 200
    document = answer.json()
    assert document["model"] == FRUIT
    assert document["image"] == dict(zip(("width", "height"), Image.open(BytesIO(photo)).size, strict=True))
    class_ids, scores, boxes = load_detector(fruit).predict(photo)
    assert len(class_ids) > 2
    found = document["detections"]
    assert [one["class_id"] for one in found] == class_ids.tolist()
    assert [one["class"] for one in found] == [fruit.card.classes[one] for one in class_ids]
    assert [one["score"] for one in found] == pytest.approx(scores.tolist(), abs=1e-4)
    assert [one["box"] for one in found] == pytest.approx(boxes.round(2), abs=0.02)
    assert set(document) == set(SCHEMAS["Prediction"]["properties"])
    assert set(found[0]) == set(SCHEMAS["Detection"]["properties"])


def test_the_bytes_of_a_photo_are_taken_as_a_form_is(client, photo):
    form = client.post(PREDICT, files={"image": photo}).json()["detections"]
    for headers in (JPEG, {"Content-Type": "application/octet-stream"}, {"Content-Type": "IMAGE/WEBP; q=1"}):
        assert client.post(PREDICT, content=photo, headers=headers).json()["detections"] == form
    chunks = (photo[at : at + 100] for at in range(0, len(photo), 100))
    assert client.post(PREDICT, content=chunks, headers=JPEG).json()["detections"] == form


def test_a_threshold_leaves_detections_out_and_lets_others_in(client, photo):
    def scores(**options):
        document = client.post(PREDICT, content=photo, headers=JPEG, params=options).json()
        return [one["score"] for one in document["detections"]]

    usual = scores()
    assert 0 < len(scores(threshold=0.95)) < len(usual) < len(scores(threshold=0))
    assert min(scores(threshold=0.95)) >= 0.95
    assert scores(threshold=1) == []


def test_the_photo_with_its_boxes_is_a_jpeg(client, photo):
    answer = client.post(PREDICT, content=photo, headers=JPEG, params={"format": "image"})
    assert answer.headers["content-type"] == "image/jpeg"
    assert MARK in answer.content
    assert Image.open(BytesIO(answer.content)).size == Image.open(BytesIO(photo)).size


def test_a_large_photo_is_predicted_on_tiles_if_the_client_says_so(client, photo):
    large = BytesIO()
    Image.open(BytesIO(photo)).resize((1800, 1800)).save(large, "JPEG")

    def tiles(**options):
        return client.post(PREDICT, content=large.getvalue(), headers=JPEG, params=options).json()["tiles"]

    assert tiles() == tiles(tiles=0) == 0
    assert tiles(tiles=1) > 1


def test_models_are_listed_and_described(client, fruit):
    (listed,) = client.get("/api/models").json()
    assert listed == client.get(f"/api/models/{FRUIT}").json()
    assert set(listed) == set(SCHEMAS["Model"]["properties"])
    assert listed["model"] == FRUIT
    assert listed["classes"] == ["apple", "banana", "orange"]
    assert listed["thresholds"] == fruit.card.all_thresholds


def test_strangers_learn_no_names_in_a_demo(client, monkeypatch):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    assert "owner" not in client.get("/api/models").json()[0]


def test_a_demo_has_a_quota(client, photo, monkeypatch):
    monkeypatch.setenv("AUTODET_MODE", "demo")
    monkeypatch.setenv("AUTODET_DEMO_PHOTOS", "1,5")
    monkeypatch.setattr(application, "shared_quota", type(application.shared_quota)())
    assert client.post(PREDICT, content=photo, headers=JPEG).status_code == 200
    refused = client.post(PREDICT, content=photo, headers=JPEG)
    assert "1 photos an hour" in error_of(refused, 429)
    assert int(refused.headers["retry-after"]) > 0


def test_the_server_is_healthy(client):
    assert client.get("/api/health").json() == {"status": "ok", "version": __version__}


def test_the_description_names_every_address_and_status(client):
    document = client.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        *("/api/health", "/api/models", "/api/models/{model}", "/api/models/{model}/predict")
    }
    references = set(json.dumps(document).split('"#/components/schemas/')[1:])
    assert {text.partition('"')[0] for text in references} <= set(document["components"]["schemas"])


def test_the_page_of_the_description_has_no_scripts_and_needs_no_other_server(client):
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "/api/models/{model}/predict" in page.text
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert "<link" not in page.text


def test_the_page_of_the_description_names_the_address_by_which_it_was_reached(client):
    assert "http://localhost/api/models/MODEL/predict" in client.get("/api/docs?x=1").text
    assert "<script" not in client.get("/api/docs", headers={"Host": "x.example:9<script>"}).text
    assert client.get("/api").url == client.get("/api/").url == "http://localhost/api/docs"


def test_other_methods_are_told_which_one_the_address_takes(client):
    assert "takes POST only" in error_of(client.get(PREDICT), 405)
    assert "takes GET and HEAD only" in error_of(client.put("/api/health"), 405)


MISTAKES = {
    "no body": (400, "no body", {"headers": JPEG}),
    "an empty photo": (400, "'image' is empty", {"files": {"image": b""}}),
    "two photos": (400, "several", {"files": [("image", b"1"), ("image", b"2")]}),
    "three photos": (400, "several", {"files": [("image", b"1")] * 3}),
    "another field beside": (400, "several", {"files": {"image": b"1"}, "data": {"threshold": "1"}}),
    "another name": (400, "'photo'", {"files": {"photo": b"1"}}),
    "text": (400, "text", {"files": {"image": (None, "hello")}}),
    "half a form": (
        400,
        "form",
        {"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ),
    "no boundary": (400, "form", {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}),
    "JSON": (415, "'application/json'", {"json": {"image": "x"}}),
    "a usual form": (415, "x-www-form-urlencoded", {"data": {"image": "x"}}),
    "packed": (415, "Content-Encoding", {"content": b"x", "headers": {"Content-Encoding": "gzip"}}),
    "no photo": (422, "'request body' is not a photo", {"content": b"hello", "headers": JPEG}),
    "half a photo": (422, "damaged", {"content": encoded((400, 400))[:100], "headers": JPEG}),
    "a threshold of words": (400, "'high'", {"params": {"threshold": "high"}}),
    "a threshold above 1": (400, "'1.5'", {"params": {"threshold": "1.5"}}),
    "no number": (400, "'nan'", {"params": {"threshold": "nan"}}),
    "an empty threshold": (400, "threshold", {"params": {"threshold": ""}}),
    "tiles of words": (400, "'yes'", {"params": {"tiles": "yes"}}),
    "another format": (400, "'pdf'", {"params": {"format": "pdf"}}),
    "an unknown option": (400, "'treshold'", {"params": {"treshold": "1"}}),
    "an option twice": (400, "twice", {"params": [("threshold", "1"), ("threshold", "0")]}),
}


@pytest.mark.parametrize(("status", "words", "request_"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_a_sentence(client, status, words, request_):
    given = (
        request_ if {"headers", "files", "json", "data", "content"} & set(request_) else request_ | {"content": b"x"}
    )
    assert words in error_of(client.post(PREDICT, **given), status)


def test_a_photo_with_too_many_pixels_or_bytes_is_too_large(client, monkeypatch):
    monkeypatch.setenv("AUTODET_MAX_PHOTO_MEGAPIXELS", "1")
    assert "pixels" in error_of(client.post(PREDICT, content=encoded((2000, 1000)), headers=JPEG), 413)
    monkeypatch.setattr(photo_bodies, "MAX_BODY_BYTES", 1000)
    assert "MB" in error_of(client.post(PREDICT, content=b"\0" * 1001, headers=JPEG), 413)
    endless = (b"\0" * 100 for _ in range(1000))
    assert "MB" in error_of(client.post(PREDICT, content=endless, headers=JPEG), 413)


def test_a_photo_that_is_too_large_is_refused_before_it_is_read(client):
    sent = []

    def pieces():
        for _ in range(20):
            sent.append(1)
            yield b"\0" * photo_bodies.MAX_BODY_BYTES

    assert error_of(client.post(PREDICT, content=pieces(), headers=JPEG | {"Content-Length": "999999999"}), 413)
    assert len(sent) <= 20


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/models/none", 404),
        ("POST", "/api/models/none/predict", 404),
        ("GET", "/api/models/.new-1", 404),
        ("GET", "/api/models/%2e%2e%2fmodels", 404),
        ("GET", "/api/models/a%00b", 404),
        ("GET", f"/api/models/{'x' * 3000}", 404),
        ("GET", f"/api/models/{FRUIT}.autodet", 404),
        ("GET", "/api/nothing", 404),
        ("GET", PREDICT, 405),
        ("DELETE", f"/api/models/{FRUIT}", 405),
        ("OPTIONS", PREDICT, 405),
        ("PUT", "/api/health", 405),
    ],
)
def test_unknown_addresses_and_methods_are_sentences(client, workspace, method, path, status):
    answer = client.request(method, path, headers=JPEG, content=b"x" if method == "POST" else None)
    sentence = error_of(answer, status)
    assert "/api/" in sentence
    assert str(workspace.home) not in sentence
    assert "access-control-allow-origin" not in answer.headers


def test_a_damaged_model_is_a_sentence(client, fruit):
    fruit.path.write_bytes(fruit.path.read_bytes()[:-100])
    assert "not a whole .autodet file" in error_of(client.post(PREDICT, content=encoded(), headers=JPEG), 409)
    assert client.get("/api/models").json() == []


def test_a_replaced_model_predicts_from_the_next_request_on(client, fruit, photo, crowded_bundle):
    assert {one["class"] for one in client.post(PREDICT, content=photo, headers=JPEG).json()["detections"]} >= {
        "orange"
    }
    fruit.path.write_bytes(crowded_bundle.read_bytes())
    answer = client.post(PREDICT, content=photo, headers=JPEG, params={"threshold": 0}).json()
    assert {one["class"] for one in answer["detections"]} <= {"apple", "banana"}
    assert answer["truncated"] is True


def test_more_requests_than_the_server_takes_are_told_when_to_come_back(client, photo, monkeypatch):
    monkeypatch.setattr(photo_memory, "MAX_REQUESTS", 0)
    answer = client.post(PREDICT, content=photo, headers=JPEG)
    assert "try again" in error_of(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("limit", ["MAX_SILENT_SECONDS", "GRACE_SECONDS"])
def test_a_photo_that_does_not_arrive_in_time_is_refused(monkeypatch, limit):
    """One that stops, and one whose bytes come one by one."""
    monkeypatch.setattr(photo_bodies, limit, 0.1)

    async def receive():
        await asyncio.sleep(60 if limit == "MAX_SILENT_SECONDS" else 0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    request = Request({"type": "http", "headers": [(b"content-type", b"image/jpeg")]}, receive)
    with pytest.raises(Refusal, match="slowly") as refusal:
        asyncio.run(photo_bodies.read_photo(request))
    assert refusal.value.status_code == 408


WORDS = st.text(max_size=30)
HEADERS = st.sampled_from(
    ["image/jpeg", "multipart/form-data; boundary=b", "multipart/form-data", "text/plain", "", "image/", "/", ";", "é"]
)
FORM = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"Content-Disposition: form-data; ", b'name="image"', b"; filename=x"]
)
BODIES = st.one_of(st.binary(max_size=200), st.lists(FORM, max_size=12).map(b"".join))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(st.sampled_from(["threshold", "format", "x"]) | WORDS, WORDS, max_size=3),
    kind=HEADERS,
    body=BODIES,
    model=st.just(FRUIT) | WORDS.filter(lambda text: text.isprintable()),
)
def test_no_request_fails_unexpectedly(client, query, kind, body, model):
    answer = client.request(
        "POST",
        f"/api/models/{quote(model or 'x', safe='')}/predict",
        params=query,
        content=body,
        headers={"Content-Type": kind.encode()},
    )
    assert answer.status_code in (200, 400, 404, 405, 413, 415, 422), answer.text
    if answer.status_code != 200:
        assert answer.json()["error"]
