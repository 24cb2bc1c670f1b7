"""Tokens of programs: what is stored, what is not, and how they end."""

import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from autodet import cli
from autodet.access import tokens
from autodet.access.tokens import ExpiredTokenError, check_token, create_token, list_tokens, revoke_token
from autodet.access.visitor import Visitor, acting_as
from autodet.errors import AutodetError, NotFoundError


def test_a_token_is_known_until_it_is_revoked(workspace):
    with acting_as(Visitor("ana", "editor")):
        token, secret = create_token("  camera \n at the gate ", days=30)
    assert (token.name, token.maker, token.role) == ("camera at the gate", "ana", "viewer")
    assert check_token(secret) == token
    (listed,) = list_tokens()
    assert listed.last_used
    assert revoke_token(token.id).name == token.name
    assert check_token(secret) is None
    assert list_tokens() == []
    assert list((workspace.home / "tokens").iterdir()) == []


def test_the_workspace_holds_no_token_and_others_of_the_machine_read_nothing(workspace):
    _, secret = create_token("camera")
    check_token(secret)
    files = list((workspace.home / "tokens").iterdir())
    assert len(files) == 2
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert secret not in path.read_text()
        assert secret.rpartition("_")[2] not in path.read_text()
    assert stat.S_IMODE((workspace.home / "tokens").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: text + "a", str.upper, lambda _: "", lambda _: "é"]
)
def test_a_token_that_differs_in_a_letter_is_unknown(workspace, change):
    _, secret = create_token("camera")
    assert check_token(change(secret)) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "0" * 12, "\0"])
def test_a_crafted_id_leads_nowhere(workspace, name):
    assert check_token(f"autodet_{name}_{'a' * 43}") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"id": 1, "name": 2, "sha256": 3}', "\udcff"])
def test_a_damaged_file_gives_no_access_and_harms_no_other_token(workspace, content):
    token, secret = create_token("camera")
    other, _ = create_token("robot")
    path = workspace.home / "tokens" / f"{token.id}.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert check_token(secret) is None
    assert [one.id for one in list_tokens()] == [other.id]


def test_a_token_expires(workspace, monkeypatch):
    _, secret = create_token("camera", days=1)
    create_token("robot")

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + timedelta(days=1, seconds=1)

    monkeypatch.setattr(tokens, "datetime", Later)
    with pytest.raises(ExpiredTokenError, match="expired"):
        check_token(secret)
    assert [one.name for one in list_tokens() if one.has_expired] == ["camera"]


def test_visitors_of_a_demo_leave_no_trace(workspace, monkeypatch):
    _, secret = create_token("camera")
    monkeypatch.setenv("AUTODET_MODE", "demo")
    assert check_token(secret)
    assert list_tokens()[0].last_used == ""


@pytest.mark.parametrize(("name", "days"), [("", None), (" \n", None), ("x" * 101, None), ("x", 0), ("x", 4000)])
def test_what_makes_no_token_is_a_sentence(workspace, name, days):
    with pytest.raises(AutodetError, match="token"):
        create_token(name, days)
    assert list_tokens() == []


def test_a_second_token_of_a_name_is_refused(workspace):
    first, _ = create_token("camera")
    for name in ("camera", " camera\n", first.id):
        with pytest.raises(AutodetError, match="already; choose another name"):
            create_token(name)
    assert list_tokens() == [first]
    revoke_token("camera")
    assert create_token("camera")[0].id != first.id


def test_of_tokens_made_at_once_with_one_name_only_one_is_there(workspace):
    def make(_):
        with suppress(AutodetError):
            return create_token("camera")[0]

    with ThreadPoolExecutor(8) as pool:
        made = [token for token in pool.map(make, range(24)) if token]
    assert list_tokens() == made
    assert len(made) == 1


def test_a_name_that_several_tokens_have_revokes_nothing(workspace):
    ids = {create_token(name)[0].id for name in ("camera", "other")}
    for path in (workspace.home / "tokens").glob("*.json"):  # earlier states allowed it
        path.write_text(path.read_text().replace("other", "camera"))
    with pytest.raises(NotFoundError, match="Several"):
        revoke_token("camera")
    with pytest.raises(NotFoundError, match="no token"):
        revoke_token("robot")
    assert {one.id for one in list_tokens()} == ids


def test_tokens_made_at_once_are_all_there(workspace):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(create_token, [f"camera {number}" for number in range(40)]))
    assert {token.id for token, _ in made} == {one.id for one in list_tokens()}
    assert all(check_token(secret) for _, secret in made)


def test_the_command_line_makes_lists_and_revokes_tokens(workspace, capsys):
    assert cli.main(["token", "create", "camera", "--days", "7"]) == 0
    secret = capsys.readouterr().out.splitlines()[0]
    assert check_token(secret)
    assert cli.main(["token", "list"]) == 0
    listed = capsys.readouterr().out
    assert "camera" in listed
    assert secret not in listed
    assert cli.main(["token", "revoke", "camera"]) == 0
    assert check_token(secret) is None
    assert cli.main(["token", "revoke", "camera"]) == 2
    assert cli.main(["token", "list"]) == 0
    assert "There are no tokens." in capsys.readouterr().out
