"""Delays after wrong passwords, quotas of a demo, lists of people, and who acts in another thread."""

import threading
from contextlib import ExitStack

import pytest

from autodet.access import admissions
from autodet.access.admissions import admit, admitted_role, digest_of, revoke
from autodet.access.allowlist import role_of, verified_email
from autodet.access.guesses import MAX_WRONG, RECENT_SECONDS, Guesses, LockedOutError, TooManyGuessesError
from autodet.access.quota import HOUR, Quota, Use
from autodet.access.visitor import Visitor, acting_as, current_visitor, for_current_visitor
from autodet.errors import QuotaError, SettingsError
from autodet.settings import Settings, load_settings

ONE = Use(1, 1, 1)
VERA = Visitor("vera@example.org", "viewer", "192.0.2.7")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def guess(guesses, address):
    with guesses.wait(address):
        guesses.note_wrong(address)


def test_addresses_wait_and_are_locked_out_each_for_itself():
    waited, clock = [], Clock()
    guesses = Guesses(waited.append, clock)
    for _ in range(MAX_WRONG):
        guess(guesses, "192.0.2.7")
    assert waited == [0, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    with pytest.raises(LockedOutError), guesses.wait("192.0.2.7"):
        pass
    guess(guesses, "192.0.2.8")
    assert waited[-1] == 0
    clock.now += RECENT_SECONDS + 1
    guess(guesses, "192.0.2.7")
    assert waited[-1] == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
    ],
)
def test_a_customer_with_many_ipv6_addresses_counts_as_one(one, other, same):
    guesses = Guesses(lambda _: None)
    guesses.note_wrong(one)
    assert guesses.recent(other) == int(same)


def test_one_guess_of_an_address_waits_and_not_too_many_in_total():
    guesses = Guesses(lambda _: None)
    with ExitStack() as waiting:
        waiting.enter_context(guesses.wait("192.0.2.1"))
        with pytest.raises(TooManyGuessesError), guesses.wait("192.0.2.1"):
            pass
        with guesses.wait("192.0.2.2"):
            pass


@pytest.fixture
def demo():
    return Settings(
        home=None,
        mode="demo",
        demo_photos=(3, 5),
        demo_megapixels=(10, 100),
        demo_megabytes=(10, 100),
        demo_predictions=1,
    )


def take(quota, settings, session, use=ONE):
    with quota.prediction(session, use, settings):
        pass


def test_a_session_and_all_together_have_quotas_for_an_hour(demo):
    clock = Clock()
    quota = Quota(clock)
    for _ in range(3):
        take(quota, demo, "a")
    with pytest.raises(QuotaError, match="at most 3 photos an hour for each visitor"):
        take(quota, demo, "a")
    take(quota, demo, "b"), take(quota, demo, "b")
    with pytest.raises(QuotaError, match="at most 5 photos an hour for all visitors"):
        take(quota, demo, "b")
    clock.now += HOUR + 1
    take(quota, demo, "a")


@pytest.mark.parametrize(("use", "what"), [(Use(1, 11, 1), "megapixels"), (Use(1, 1, 11), "megabytes")])
def test_large_photos_use_up_a_quota_at_once(demo, use, what):
    with pytest.raises(QuotaError, match=f"at most 10 {what} of photos an hour"):
        take(Quota(), demo, "a", use)


def test_predictions_of_a_demo_take_turns(demo, monkeypatch):
    monkeypatch.setattr("autodet.access.quota.PATIENCE_SECONDS", 0.0)
    quota = Quota()
    with quota.prediction("a", Use(1), demo), pytest.raises(QuotaError, match="try again in a minute"):
        take(quota, demo, "b")
    take(quota, demo, "b")


def test_nothing_is_counted_where_there_is_no_demo(demo):
    quota = Quota()
    for _ in range(9):
        take(quota, Settings(home=None, demo_photos=(1, 1)), "a")
    take(quota, demo, "a")


CLAIMS = {"email": "Eva@Example.org", "email_verified": True}


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        (CLAIMS, "eva@example.org"),
        (CLAIMS | {"email_verified": "true"}, "eva@example.org"),
        (CLAIMS | {"email_verified": False}, ""),
        (CLAIMS | {"email_verified": 1.5}, ""),
        ({"email": "eva@example.org"}, ""),
        (CLAIMS | {"email": ["eva@example.org"]}, ""),
        ({}, ""),
    ],
)
def test_only_a_verified_address_counts(claims, email):
    assert verified_email(claims) == email


@pytest.mark.parametrize(
    ("email", "role"),
    [
        ("eva@example.org", "editor"),
        ("vera@example.org", "viewer"),
        ("trainee@lab.example", "viewer"),
        ("anyone@lab.example", "editor"),
        ("eva@sub.lab.example", None),
        ("eva@notlab.example", None),
        ("lab.example", None),
        ("@lab.example", None),
        ("", None),
    ],
)
def test_an_address_counts_before_its_domain(email, role):
    lists = {"AUTODET_EDITORS": "Eva@example.org, @lab.example", "AUTODET_VIEWERS": "@example.org,trainee@lab.example"}
    assert role_of(email, load_settings(lists)) == role


@pytest.mark.parametrize(
    "environ",
    [
        {"AUTODET_EDITORS": "eva"},
        {"AUTODET_VIEWERS": "*"},
        {"AUTODET_VIEWER_PASSWORD": "x"},
        {"AUTODET_VIEWER_PASSWORD": "x", "AUTODET_PASSWORD": "x"},
        {"AUTODET_MODE": "dem"},
        {"AUTODET_TRUSTED_PROXIES": "proxy"},
        {"AUTODET_DEMO_PHOTOS": "60"},
        {"AUTODET_DEMO_PHOTOS": "0,5"},
        {"AUTODET_MAX_QUEUED_SEARCHES": "none"},
    ],
)
def test_wrong_settings_of_access_are_refused_and_named(environ):
    with pytest.raises(SettingsError, match=next(iter(environ))):
        load_settings(environ)


def test_a_token_admits_until_it_is_revoked_or_expires(monkeypatch):
    token = admit("viewer")
    assert admitted_role(digest_of(token)) == "viewer"
    assert admitted_role(token) is None
    revoke(digest_of(token))
    assert admitted_role(digest_of(token)) is None
    monkeypatch.setattr(admissions, "ADMISSION_SECONDS", -1.0)
    assert admitted_role(digest_of(admit("editor"))) is None


def test_the_users_of_the_machine_are_editors():
    assert (current_visitor().role, current_visitor().address) == ("editor", "")


def test_work_in_another_thread_is_the_visitors():
    found = []
    with acting_as(VERA):
        work = for_current_visitor(lambda: found.append(current_visitor()))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [VERA]
