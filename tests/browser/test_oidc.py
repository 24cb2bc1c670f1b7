"""Sign-in with OpenID Connect, in a browser, with a provider on the loopback address."""

import pytest
from playwright.sync_api import expect

from autodet.access.audit_log import read_entries
from autodet.workspace import Workspace
from tests.browser.conftest import App, settled

pytest.importorskip("authlib", reason="sign-in with OpenID Connect needs Authlib")
from tests.oidc import running_provider  # needs what Authlib brings

pytestmark = pytest.mark.browser


@pytest.fixture
def provider():
    with running_provider() as running:
        yield running


@pytest.fixture
def app(provider, tmp_path):
    (tmp_path / "secrets.toml").write_text(provider.secrets_toml())
    running = App(
        tmp_path / "home",
        STREAMLIT_SECRETS_FILES=str(tmp_path / "secrets.toml"),
        AUTODET_EDITORS="eva@example.org",
        AUTODET_VIEWERS="@example.org",
    )
    yield running
    running.stop()
    running.end_supervisors()


def signed_in(tab):
    """Who is signed in; an invisible letter keeps the address from becoming a link."""
    return tab.get_by_test_id("stSidebar").get_by_text("example.org")


def sign_in(tab, provider, **claims):
    provider.claims = {"email_verified": True} | claims
    tab.get_by_role("button", name="Sign in").click()


def test_people_sign_in_with_their_provider_and_get_their_role(provider, app, visit):
    workspace = Workspace(app.home)
    tab = visit("models")
    expect(tab.get_by_role("heading", level=1)).to_have_text("autodet")
    sign_in(tab, provider, email="vera@example.org")
    expect(signed_in(tab)).to_contain_text("vera")
    expect(tab.get_by_text("You are a viewer")).to_be_visible()
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    tab.reload()
    settled(tab)
    sign_in(tab, provider, email="Eva@Example.org")
    expect(signed_in(tab)).to_contain_text("eva")
    expect(tab.get_by_text("You are a viewer")).to_have_count(0)
    entries = [(entry.visitor, entry.role) for entry in read_entries(workspace) if entry.action == "sign in"]
    assert entries == [("vera@example.org", "viewer"), ("eva@example.org", "editor")]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"email": "stranger@elsewhere.example"}, "has no access to this app"),
        ({"email": "eva@example.org", "email_verified": False}, "no verified e-mail address"),
    ],
)
def test_strangers_and_unverified_addresses_stay_outside(provider, visit, claims, why):
    tab = visit("models")
    sign_in(tab, provider, **claims)
    expect(tab.get_by_text(why)).to_be_visible()
    expect(tab.get_by_test_id("stSidebarNav")).to_have_count(0)
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
