"""A small OpenID Connect provider on the loopback address, which signs in whom the test names without asking."""

import secrets
import socket
import threading
import time
from contextlib import contextmanager

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

CLIENT, CLIENT_SECRET = "autodet", "a secret of the client"


class Provider:
    """A running provider.

    Attributes:
        url: Its address, the issuer.
        claims: What it says of the person who signs in next.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.claims: dict[str, object] = {}
        self._key = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
        self._nonces: dict[str, str] = {}
        routes = {
            "/.well-known/openid-configuration": self._metadata,
            "/authorize": self._authorize,
            "/token": self._token,
            "/keys": self._keys,
        }
        self.app = Starlette(routes=[Route(path, made, methods=["GET", "POST"]) for path, made in routes.items()])

    async def _metadata(self, _request):
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request):
        asked, code = request.query_params, secrets.token_urlsafe(8)
        self._nonces[code] = asked["nonce"]
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", status_code=302)

    async def _token(self, request):
        form = await request.form()
        now = int(time.time())
        facts = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 600}
        claims = facts | {"nonce": self._nonces.pop(str(form["code"]))} | self.claims
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        return JSONResponse({"access_token": "unused", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    async def _keys(self, _request):
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    def secrets_toml(self) -> str:
        """The section of ``secrets.toml`` with which the app trusts this provider."""
        return "\n".join(
            [
                "[auth]",
                'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"',
                f'cookie_secret = "{secrets.token_urlsafe(32)}"',
                f'client_id = "{CLIENT}"',
                f'client_secret = "{CLIENT_SECRET}"',
                f'server_metadata_url = "{self.url}/.well-known/openid-configuration"',
            ]
        )


@contextmanager
def running_provider():
    """Run a provider in a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    provider = Provider(listening.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(provider.app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
