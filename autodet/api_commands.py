"""The commands of the command line for the HTTP API, its own server and tokens, and their arguments."""

import os
from collections.abc import Sequence
from dataclasses import asdict

from autodet.access import tokens as token_store
from autodet.access.tokens import Token
from autodet.arguments import add_model, port, whole_number
from autodet.commands import Add, Answer, Options
from autodet.registry.bundles import find_any_model
from autodet.server.streamlit_command import environment_with_secrets, has_sign_in
from autodet.settings import is_loopback, load_settings
from autodet.terminal import columns, say

SERVE_PORT = 8600  # beside the app's, so that both can run
OPEN = (
    "Everyone who can reach this machine can use the model. To keep strangers out, add --require-token, or set "
    "AUTODET_PASSWORD."
)
KEEPS = "Photos whose best score lies between {:g} and {:g} are kept in the workspace, at most {:,}."


def add_serve(add: Add) -> None:
    """Declare ``serve``."""
    parser = add("serve", serve, "serve the HTTP API of one model, without the pages")
    add_model(parser)
    parser.add_argument("--port", type=port, default=SERVE_PORT, help=f"the TCP port (default {SERVE_PORT})")
    words = "the IP address to listen on (default AUTODET_ADDRESS, else 127.0.0.1; 0.0.0.0 for every interface)"
    parser.add_argument("--address", metavar="IP", help=words)
    words = "want a token even if neither a password nor a sign-in is set"
    parser.add_argument("--require-token", action="store_true", help=words)
    words = "keep photos whose best score lies between two scores, to label them later (default AUTODET_KEEP_BETWEEN)"
    parser.add_argument("--keep-between", nargs=2, metavar=("LOW", "HIGH"), help=words)
    words = "the number of photos to keep (default AUTODET_KEEP_AT_MOST, else 500)"
    parser.add_argument("--keep-at-most", type=whole_number, metavar="PHOTOS", help=words)


def add_tokens(add: Add) -> None:
    """Declare the commands below ``token``."""
    creation = add("create", create_token, "create a token, and print it once")
    creation.add_argument("name", metavar="NAME", help="purpose of the token")
    creation.add_argument("--days", type=whole_number, help="days until it expires (default: never)")
    add("list", tokens, "list the tokens, the newest first")
    revocation = add("revoke", revoke_token, "revoke a token")
    revocation.add_argument("token", metavar="TOKEN", help="the token's id, or a name that is unique")


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
