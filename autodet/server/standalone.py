"""The API on a server of its own, without the pages."""

from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from autodet.inference.detector import load_detector_apart
from autodet.models.store import StoredModel
from autodet.server.api.application import make_api
from autodet.server.api.callers import Callers
from autodet.server.api.offered_models import only
from autodet.server.guard import Guard
from autodet.server.streamlit_command import allowed_hosts, bound_socket
from autodet.settings import Settings

SHUTDOWN_SECONDS = 60  # for the requests under way, after SIGTERM or Ctrl-C


def make_server(model: StoredModel, settings: Settings, *, needs_token: bool) -> Starlette:
    """Return the application.

    Args:
        model: The only model that it offers.
        settings: Listening address, and host names to answer to.
        needs_token: Whether requests need a token of the workspace.
    """
    callers = Callers(lambda: allowed_hosts(settings), lambda: needs_token)
    return Starlette(
        routes=[Mount("/api", make_api(only(model), callers)), Route("/", _lead_to_docs)],
        middleware=[Middleware(Guard, cookies=False)],
    )


def serve(model: StoredModel, settings: Settings, port: int, *, needs_token: bool, ready: Callable[[], object]) -> None:
    """Serve the API of one model until a signal ends this process; requests under way are finished.

    Args:
        model: The model.
        settings: Listening address, host names and trusted proxies.
        port: TCP port.
        needs_token: Whether requests need a token of the workspace.
        ready: Called when the model works and the port is open.

    Raises:
        ModelError: The model cannot be used.
        SettingsError: The port is in use, or the address does not belong to this machine.
    """
    with bound_socket(settings.address, port) as listening:
        load_detector_apart(model)
        config = uvicorn.Config(
            make_server(model, settings, needs_token=needs_token),
            log_level="warning",
            access_log=False,
            forwarded_allow_ips=list(settings.trusted_proxies),
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        listening.listen(config.backlog)  # from here on, connections wait until the server accepts them
        ready()
        uvicorn.Server(config).run([listening])


async def _lead_to_docs(_request: Request) -> Response:
    return RedirectResponse("/api/docs")
