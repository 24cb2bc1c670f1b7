"""Tokens with which programs use the HTTP API.

A token is ``autodet_ID_SECRET``. ``tokens/ID.json`` in the workspace holds its facts and the SHA-256 of the whole
token, which is shown once and stored nowhere. The time of the empty file ``ID.used`` is that of the last use.
"""

import hmac
import json
import re
import secrets
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autodet.access.admissions import digest_of
from autodet.access.change import change
from autodet.access.visitor import Role, current_visitor
from autodet.errors import AccessError, AutodetError, NotFoundError
from autodet.lock import hold_folder
from autodet.records.known import known_entries
from autodet.settings import load_settings
from autodet.text_format import listed
from autodet.workspace import Workspace, open_workspace, write_atomically

MAX_NAME = 100  # characters
MAX_DAYS = 3650
MAX_TOKENS = 1000
USE_SECONDS = 60.0  # resolution of the last use, so that not every request writes
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
_TOKEN = re.compile(r"autodet_([0-9a-f]{12})_[\w-]{43}", re.ASCII)


class ExpiredTokenError(AccessError):
    """The token was valid until a moment in the past."""


@dataclass(frozen=True)
class Token:
    """The permission of a program to use the API.

    Attributes:
        id: Identifies the token in lists; gives no access.
        name: Name given by its maker, unlike those of other tokens.
        role: Role of the program.
        maker: Name of the user who created it; empty if unknown.
        created: ISO 8601 in UTC.
        expires: ISO 8601 in UTC; empty for never.
        last_used: ISO 8601 in UTC, to the minute; empty if it was never used.
    """

    id: str
    name: str
    role: Role = "viewer"
    maker: str = ""
    created: str = ""
    expires: str = ""
    last_used: str = ""

    @property
    def has_expired(self) -> bool:
        """Whether the API refuses it."""
        return bool(self.expires) and self.expires <= _text(datetime.now(UTC))


def create_token(name: str, days: int | None = None, workspace: Workspace | None = None) -> tuple[Token, str]:
    """Create a token.

    Args:
        name: Its purpose, for lists; no other token has it.
        days: Days until it expires; None for never.
        workspace: The workspace; that of the settings if not given.

    Returns:
        The facts, and the token itself, which no one can read again.

    Raises:
        AccessError: The visitor may not change anything.
        AutodetError: The name is blank, too long or that of another token, the days are out of range, or there are too
            many tokens.
    """
    workspace = workspace or open_workspace()
    name = " ".join(name.split())
    if not 0 < len(name) <= MAX_NAME:
        raise AutodetError(f"The name of a token has 1 to {MAX_NAME} letters; give its purpose.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise AutodetError(f"A token is valid for 1 to {MAX_DAYS:,} days; give a number in between, or none.")
    with change("create token", name, workspace) as created, _naming(workspace):
        tokens = list_tokens(workspace)
        if len(tokens) >= MAX_TOKENS:
            raise AutodetError(f"There are {MAX_TOKENS:,} tokens; revoke some that are no longer in use.")
        if any(name in (token.id, token.name) for token in tokens):
            raise AutodetError(f"There is a token {name!r} already; choose another name, or revoke that one first.")
        now, token_id = datetime.now(UTC), secrets.token_hex(6)
        expires = _text(now + timedelta(days=days)) if days else ""
        token = Token(token_id, name, maker=current_visitor().name, created=_text(now), expires=expires)
        secret = f"autodet_{token_id}_{secrets.token_urlsafe(32)}"
        document = asdict(token) | {"sha256": digest_of(secret)}
        del document["last_used"]
        write_atomically(_file(token_id, workspace), json.dumps(document).encode(), PRIVATE_FILE)
        created.thing = f"{name} ({token_id})"
    return token, secret


def list_tokens(workspace: Workspace | None = None) -> list[Token]:
    """List the tokens, the newest first; damaged files, which give no access, are left out."""
    workspace = workspace or open_workspace()
    found = [_read(path.stem, workspace) for path in _folder(workspace).glob("[!.]*.json")]
    tokens = [replace(known[0], last_used=_last_used(known[0].id, workspace)) for known in found if known]
    return sorted(tokens, key=lambda token: (token.created, token.id), reverse=True)


def revoke_token(name: str, workspace: Workspace | None = None) -> Token:
    """Revoke a token, with effect on the next request.

    Args:
        name: Its id, or a name that no other token has.
        workspace: The workspace; that of the settings if not given.

    Returns:
        The facts of the revoked token.

    Raises:
        AccessError: The visitor may not change anything.
        NotFoundError: There is no such token, or several have the name.
    """
    workspace = workspace or open_workspace()
    tokens = list_tokens(workspace)
    meant = [token for token in tokens if token.id == name] or [token for token in tokens if token.name == name]
    with change("revoke token", name, workspace) as revoked:
        if len(meant) > 1:
            ids = listed([token.id for token in meant])
            raise NotFoundError(f"Several tokens are called {name!r}; name one by its id: {ids}.")
        if not meant:
            raise NotFoundError(f"There is no token {name!r}; 'python -m autodet token list' shows all of them.")
        revoked.thing = f"{meant[0].name} ({meant[0].id})"
        _file(meant[0].id, workspace).unlink(missing_ok=True)
        _use_file(meant[0].id, workspace).unlink(missing_ok=True)
    return meant[0]


def check_token(secret: str, workspace: Workspace | None = None) -> Token | None:
    """Return the facts of a token that a program presents, and note its use; None if it is unknown or revoked.

    Raises:
        ExpiredTokenError: It has expired.
    """
    workspace = workspace or open_workspace()
    shape = _TOKEN.fullmatch(secret)
    known = _read(shape[1], workspace) if shape else None
    if not known or not hmac.compare_digest(known[1], digest_of(secret)):
        return None
    if known[0].has_expired:
        raise ExpiredTokenError("This token has expired; ask an editor for another one.")
    _note_use(known[0].id, workspace)
    return known[0]


def _read(token_id: str, workspace: Workspace) -> tuple[Token, str] | None:
    """Return the facts of a token and its digest; None if there is no such token or its file is damaged."""
    try:
        document = json.loads(_file(token_id, workspace).read_text(encoding="utf-8"))
        token, digest = Token(**known_entries(Token, document)), document["sha256"]
        texts = (token.id, token.name, token.maker, token.created, token.expires, digest)
        usable = token.id == token_id and token.role == "viewer" and all(isinstance(text, str) for text in texts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return (token, digest) if usable else None


def _note_use(token_id: str, workspace: Workspace) -> None:
    if load_settings().mode == "demo":  # nothing that visitors do is stored
        return
    path, now = _use_file(token_id, workspace), datetime.now(UTC).timestamp()
    with suppress(OSError):  # a workspace that cannot be written can still be used
        if not path.exists() or now - path.stat().st_mtime > USE_SECONDS:
            path.touch(PRIVATE_FILE)


def _last_used(token_id: str, workspace: Workspace) -> str:
    with suppress(OSError):
        return _text(datetime.fromtimestamp(_use_file(token_id, workspace).stat().st_mtime, UTC))
    return ""


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _naming(workspace: Workspace) -> AbstractContextManager[None]:
    """Lock the tokens while a name is chosen and used, so that no two have the same."""
    _folder(workspace).mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
    return hold_folder(_folder(workspace), alone=True)


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "tokens"  # reading creates nothing


def _file(token_id: str, workspace: Workspace) -> Path:
    return _folder(workspace) / f"{token_id}.json"


def _use_file(token_id: str, workspace: Workspace) -> Path:
    return _folder(workspace) / f"{token_id}.used"
