"""Checks of the API: host names, origins, tokens, and what happens to those who guess."""

from io import BytesIO

import pytest
from PIL import Image

from autodet.access.audit_log import read_entries
from autodet.access.guesses import MAX_WRONG, Guesses
from autodet.access.tokens import create_token, revoke_token
from autodet.access.visitor import Visitor, acting_as
from autodet.server.api.callers import is_host_allowed
from tests.server.api.conftest import FRUIT, PREDICT

CONTENT = BytesIO()
Image.new("RGB", (8, 8)).save(CONTENT, "PNG")
PNG = CONTENT.getvalue()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def closed(connect):
    """A client of an API that wants a token, and the delays of wrong ones."""
    delays = []
    client = connect(guesses=Guesses(sleep=delays.append), token=True)
    client.delays = delays
    return client


def test_with_a_token_a_program_lists_models_and_predicts(closed):
    _, token = create_token("camera")
    assert closed.get("/api/models", headers=bearer(token)).json()[0]["model"] == FRUIT
    assert closed.get("/api/models", headers={"Authorization": f"bearer  {token} "}).status_code == 200
    assert closed.post(PREDICT, files={"image": PNG}, headers=bearer(token)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/models"), ("GET", f"/api/models/{FRUIT}"), ("POST", PREDICT)]
)
def test_without_a_token_there_is_nothing_to_see(closed, method, path):
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"Authorization": ""}):
        answer = closed.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in answer.json()["error"]
        assert "'python -m autodet token create NAME'" in answer.json()["error"]
    assert closed.delays == []  # these are no guesses


def test_what_describes_the_api_is_open(closed):
    for path in ("/api/health", "/api/docs", "/api/openapi.json"):
        assert closed.get(path).status_code == 200


def test_a_revoked_token_and_an_expired_one_are_refused(closed, monkeypatch):
    token, secret = create_token("camera", days=1)
    with monkeypatch.context() as later:
        later.setattr("autodet.access.tokens.Token.has_expired", True)
        expired = closed.get("/api/models", headers=bearer(secret))
    assert (expired.status_code, "expired" in expired.json()["error"]) == (401, True)
    revoke_token(token.id)
    revoked = closed.get("/api/models", headers=bearer(secret))
    assert (revoked.status_code, "revoked" in revoked.json()["error"]) == (401, True)
    assert 'error="invalid_token"' in revoked.headers["www-authenticate"]


def test_guesses_are_delayed_longer_and_longer_and_then_locked_out(closed, workspace):
    _, token = create_token("camera")
    for _ in range(MAX_WRONG):
        assert closed.get("/api/models", headers=bearer("autodet_guess")).status_code == 401
    assert closed.delays == sorted(closed.delays)
    assert closed.delays[-1] > closed.delays[1] > 0
    locked = closed.get("/api/models", headers=bearer("autodet_guess"))
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 60
    assert closed.get("/api/models", headers=bearer(token)).status_code == 200  # a program beside the one that guesses
    refused = [entry for entry in read_entries(workspace) if entry.action == "use token"]
    assert {(entry.outcome, entry.address) for entry in refused} == {("refused", "testclient")}
    assert len(refused) == MAX_WRONG


def test_secrets_reach_neither_the_log_of_changes_nor_errors(closed, workspace):
    token, secret = create_token("camera")
    answer = closed.get("/api/models", headers=bearer(secret + "x"))
    revoke_token(token.id)
    logged = (workspace.audit / "changes.jsonl").read_text()
    assert secret[-20:] not in logged + answer.text


def test_only_editors_make_and_revoke_tokens(workspace):
    token, _ = create_token("camera")
    with acting_as(Visitor("eve", "viewer")):
        for change in (lambda: create_token("mine"), lambda: revoke_token(token.id)):
            with pytest.raises(Exception, match="Only editors"):
                change()
    actions = [(entry.action, entry.outcome) for entry in read_entries(workspace)]
    assert actions == [("create token", "done"), ("create token", "refused"), ("revoke token", "refused")]


HOSTS = ("localhost", "127.0.0.1", "::1", "photos.example.org", "*.lab.example.org")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LOCALHOST:8501", True),
        ("127.0.0.1:80", True),
        ("[::1]:8501", True),
        ("[0:0:0:0:0:0:0:1]", True),
        ("photos.example.org.", True),
        ("a.lab.example.org", True),
        ("lab.example.org", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evil.example:localhost", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_the_server_answers_to_its_own_names_only(host, allowed):
    assert is_host_allowed(host, HOSTS) is allowed
    assert is_host_allowed(host, ())


def test_a_browser_that_is_tricked_by_dns_rebinding_gets_nothing(connect):
    client = connect(hosts=HOSTS)
    for path in ("/api/models", f"/api/models/{FRUIT}"):
        assert client.get(path).status_code == 200
        refused = client.get(path, headers={"Host": "evil.example"})
        assert (refused.status_code, "AUTODET_HOSTS" in refused.json()["error"]) == (403, True)
    assert client.get("/api/health", headers={"Host": "10.0.0.7"}).status_code == 200  # a load balancer asks by number


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_a_page_of_another_site_cannot_make_visitors_predict(client, headers):
    answer = client.post(PREDICT, files={"image": PNG}, headers=headers)
    assert (answer.status_code, "another site" in answer.json()["error"]) == (403, True)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_of_this_server_and_links_from_elsewhere_work(client):
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    assert client.post(PREDICT, files={"image": PNG}, headers=own).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/api/models", headers=link).status_code == 200
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/api/models", headers=embedded).status_code == 403
