"""The API on the port of the app, beside its pages."""

import pytest
import requests

from autodet.access.tokens import create_token
from autodet.workspace import Workspace
from tests.server.api.conftest import FRUIT, PREDICT, copy_fruit
from tests.server.attacker import HTML, Client, Server

pytestmark = pytest.mark.process


@pytest.fixture
def app(tmp_path):
    copy_fruit(tmp_path / "home")
    running = Server(tmp_path / "home", "--server.allowedHosts=127.0.0.1", AUTODET_PASSWORD="open sesame")
    yield running
    running.stop()


def test_programs_and_pages_share_the_port(app, tmp_path, photo):
    _, token = create_token("camera", workspace=Workspace(tmp_path / "home"))
    headers = HTML | {"Authorization": f"Bearer {token}"}
    predicted = requests.post(app.url + PREDICT, files={"image": photo}, headers=headers, timeout=120)
    assert predicted.status_code == 200
    assert {"apple", "banana", "orange"} == {one["class"] for one in predicted.json()["detections"]}
    (model,) = requests.get(f"{app.url}/api/models", headers=headers, timeout=60).json()
    assert model["model"] == FRUIT
    for answer in (predicted, requests.get(f"{app.url}/api", headers=HTML, timeout=60)):
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert requests.post(app.url + PREDICT, files={"image": photo}, timeout=60).status_code == 401
    cookies = Client(app).open().connect().cookies  # a page's, which open nothing
    assert requests.get(f"{app.url}/api/models", cookies=cookies, timeout=60).status_code == 401
    rebound = requests.get(f"{app.url}/api/models", headers=headers | {"Host": "evil.example"}, timeout=60)
    assert rebound.status_code == 403
    for path in ("/api/docs", "/api", "/api/"):
        page = requests.get(app.url + path, timeout=60).text
        assert page.startswith("<!doctype html>")
        assert f"{app.url}/api/models/MODEL/predict" in page
