"""The commands of the command line for the HTTP API: its own server, and tokens."""

import os
from collections.abc import Sequence
from dataclasses import asdict

from autodet.access import tokens as token_store
from autodet.access.tokens import Token
from autodet.commands import Answer, Options
from autodet.registry.bundles import find_any_model
from autodet.server.streamlit_command import environment_with_secrets, has_sign_in
from autodet.settings import is_loopback, load_settings
from autodet.terminal import columns, say

OPEN = (
    "Everyone who can reach this machine can use the model. To keep strangers out, add --require-token, or set "
    "AUTODET_PASSWORD."
)

KEEPS = "Photos whose best score lies between {:g} and {:g} are kept in the workspace, at most {:,}."


def serve(options: Options) -> Answer:
    """Serve the API of one model until Ctrl-C."""
    from autodet.server.standalone import serve as serve_model

    os.environ.update(environment_with_secrets(os.environ) | _kept(options))
    settings = load_settings(os.environ | ({"AUTODET_ADDRESS": options.address} if options.address else {}))
    model = find_any_model(options.model)
    needs_token = options.require_token or has_sign_in(settings)
    host = f"[{settings.address}]" if ":" in settings.address else settings.address
    where = f"http://{host}:{options.port}/api/docs"

    def announce() -> None:
        if not needs_token and not is_loopback(settings.address):
            say(OPEN)
        if settings.keep_scores:
            say(KEEPS.format(*settings.keep_scores, settings.max_kept_photos))
        say(f"Serving {model.id}: {where} describes the API. Press Ctrl-C to stop.")

    serve_model(model, settings, options.port, needs_token=needs_token, ready=announce)
    return Answer(None, "")


def _kept(options: Options) -> dict[str, str]:
    """Return the settings of the photos that are kept."""
    kept = {}
    if options.keep_between:
        kept["AUTODET_KEEP_BETWEEN"] = ",".join(options.keep_between)
    if options.keep_at_most:
        kept["AUTODET_KEEP_AT_MOST"] = str(options.keep_at_most)
    return kept


def create_token(options: Options) -> Answer:
    """Create a token for a program."""
    token, secret = token_store.create_token(options.name, options.days)
    return Answer(asdict(token) | {"token": secret}, f"{secret}\nKeep it safe: it is not shown again.")


def tokens(_options: Options) -> Answer:
    """List the tokens."""
    found = token_store.list_tokens()
    return Answer(list(map(asdict, found)), _tokens_text(found))


def _tokens_text(tokens: Sequence[Token]) -> str:
    if not tokens:
        return "There are no tokens."
    rows = [
        (one.id, one.name, one.maker, one.created, one.last_used or "never", one.expires or "never") for one in tokens
    ]
    return columns([("TOKEN", "NAME", "MADE BY", "CREATED", "LAST USED", "EXPIRES"), *rows])


def revoke_token(options: Options) -> Answer:
    """Revoke a token."""
    token = token_store.revoke_token(options.token)
    return Answer(asdict(token), f"Revoked {token.name!r} ({token.id}).")
