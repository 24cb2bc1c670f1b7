"""Attacks on the running server by clients of its own protocol: uploads, foreign sessions, closed routes, framing."""

import json
import time

import pytest
import requests

from autodet.access.audit_log import LOG
from tests.server.attacker import HTML, Client, Server

pytestmark = pytest.mark.process
MEGABYTE = 1_000_000


@pytest.fixture
def serve(tmp_path):
    """Start the server with options of Streamlit and settings; it ends with the test."""
    running = []

    def serve(*options, **settings):
        running.append(Server(tmp_path / "home", *options, **settings))
        return running[-1]

    yield serve
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A server without a password and with small limits, for tests that leave nothing in it."""
    home = tmp_path_factory.mktemp("open") / "home"
    server = Server(home, AUTODET_MAX_VISITOR_UPLOADS_MB="3")
    yield server
    server.stop()


@pytest.fixture
def visitor(open_server):
    """A visitor of the open server who has seen a page."""
    client = Client(open_server).open().connect()
    yield client
    client.leave()


def test_nothing_is_stored_for_visitors_who_have_not_signed_in(serve):
    server = serve(AUTODET_PASSWORD="open sesame")
    client = Client(server).open().connect()
    assert client.upload(MEGABYTE).status_code == 403
    assert "sign in" in client.upload(MEGABYTE).text
    assert Client(server).connect().upload(1).status_code == 403


def test_a_client_with_a_forged_browser_header_uploads_nothing(visitor):
    stranger = Client(visitor.server).open()
    address = f"{visitor.server.url}/_stcore/upload_file/{visitor.session}/file"
    for headers in ({}, {"X-Autodet-Browser": visitor.browser}):
        given = headers | {"X-Xsrftoken": stranger.xsrf}
        sent = requests.put(address, files={"file": b"x"}, headers=given, cookies=stranger.cookies, timeout=30)
        assert sent.status_code == 403
        assert requests.delete(address, headers=given, cookies=stranger.cookies, timeout=30).status_code == 403


def test_a_visitor_uploads_to_no_session_but_their_own(visitor):
    other = Client(visitor.server).open().connect()
    assert other.upload(100).status_code == 204
    assert other.upload(100, session=visitor.session).status_code == 403
    assert other.upload(100, session="no-such-session").status_code == 403
    other.leave()


def test_a_session_holds_no_more_than_its_share(visitor):
    assert visitor.upload(2 * MEGABYTE, name="one").status_code == 204
    refused = visitor.upload(2 * MEGABYTE, name="two")
    assert refused.status_code == 413
    assert "3 MB" in refused.text
    assert visitor.upload(MEGABYTE // 2, name="two").status_code == 204


def test_a_size_that_is_not_announced_counts_too(visitor):
    assert visitor.upload_in_chunks(chunks=6, size=MEGABYTE).status_code == 413
    assert visitor.upload(MEGABYTE).status_code == 204  # the refused bytes are not held


def test_all_visitors_together_hold_no_more_than_the_limit_and_give_it_back(serve):
    server = serve("--server.disconnectedSessionTTL=1", AUTODET_MAX_UPLOADS_MB="5")
    greedy = [Client(server).open().connect() for _ in range(2)]
    assert [client.upload(int(2.4 * MEGABYTE)).status_code for client in greedy] == [204, 204]
    late = Client(server).open().connect()
    assert late.upload(MEGABYTE).status_code == 503
    for client in greedy:
        client.leave()
    while late.upload(2 * MEGABYTE).status_code == 503:  # pytest's timeout ends a server that frees nothing
        time.sleep(1)


def test_senders_that_stop_in_the_middle_leave_places_for_others(open_server):
    """Eight half files of one session take four of all places, those of a session."""
    hostile = Client(open_server).open().connect()
    stalled = [hostile.begin_upload(length=10_000) for _ in range(8)]
    try:
        polite = Client(open_server).open().connect()
        assert polite.upload(1000).status_code == 204
        polite.leave()
    finally:
        for connection in stalled:
            connection.close()
        hostile.leave()


@pytest.mark.parametrize(
    ("trusted", "forwarded", "counted"),
    [
        ("", ["192.0.2.1", "192.0.2.2"], {"127.0.0.1"}),
        ("10.1.1.1", ["192.0.2.1", "192.0.2.2"], {"127.0.0.1"}),
        # A proxy on this machine appends the address that it sees to what the visitor has sent.
        ("127.0.0.1", ["192.0.2.1, 198.51.100.7", "192.0.2.2, 198.51.100.7"], {"198.51.100.7"}),
    ],
)
def test_a_forged_address_does_not_evade_the_lock_out(serve, tmp_path, trusted, forwarded, counted):
    """Wrong passwords count for the address of the connection, or for that which a trusted proxy names."""
    server = serve(own_command=True, AUTODET_PASSWORD="open sesame", AUTODET_TRUSTED_PROXIES=trusted)
    for address in forwarded:
        client = Client(server, **{"X-Forwarded-For": address, "X-Real-IP": address}).open().connect()
        client.guess("wrong")
        client.leave()
    log = [json.loads(line) for line in (tmp_path / "home" / "audit" / LOG).read_text().splitlines()]
    assert [entry["outcome"] for entry in log] == ["refused"] * len(forwarded)
    assert {entry["address"] for entry in log} == counted


def test_the_id_of_a_session_is_useless_without_its_cookie(open_server):
    owner = Client(open_server).open().connect()
    for thief in (Client(open_server), Client(open_server).open(), Client(open_server, {"autodet-browser": "x"})):
        assert thief.connect(resumed=owner.session).session != owner.session
        thief.leave()
    owner.leave()
    thief = Client(open_server).open().connect(resumed=owner.session)
    assert thief.session != owner.session
    back = Client(open_server, owner.cookies).connect(resumed=owner.session)
    assert back.session == owner.session
    back.leave()


@pytest.mark.parametrize(
    "path", ["/_stcore/metrics", "/_stcore/metrics/", "/_stcore/%6detrics", "/_stcore/metrics?families=session_events"]
)
def test_the_servers_metrics_are_closed(open_server, path):
    answer = requests.get(open_server.url + path, timeout=30)
    assert answer.status_code == 404
    assert "sessions" not in answer.text


@pytest.mark.parametrize("path", ["/", "/datasets", "/_stcore/health", "/no/such/file.js", "/_stcore/metrics"])
def test_answers_cannot_be_framed_or_sniffed(open_server, path):
    headers = requests.get(open_server.url + path, headers=HTML, timeout=30).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == policy["default-src"] == "'self'"
    assert "http" not in headers["Content-Security-Policy"]  # nothing is loaded from or sent to another server


def test_scripts_cannot_read_the_browsers_cookie(open_server):
    answer = requests.get(open_server.url, headers=HTML, timeout=30)
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    again = requests.get(open_server.url, headers=HTML, cookies=answer.cookies, timeout=30)
    assert "Set-Cookie" not in again.headers
    cached = requests.get(open_server.url, headers=HTML | {"If-None-Match": answer.headers["etag"]}, timeout=30)
    assert (cached.status_code, "Set-Cookie" in cached.headers) == (304, True)
