"""The API as an ASGI application, for the app's server and for a server of its own."""

import time
from asyncio import FIRST_COMPLETED, ensure_future, wait
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from autodet.access.quota import Use, shared_quota
from autodet.access.visitor import Visitor
from autodet.datasets.photos import PhotoFileError, open_photo, photo_header
from autodet.errors import AutodetError
from autodet.inference.box_drawings import draw_boxes, drawing_jpeg
from autodet.inference.detection_documents import detection_documents
from autodet.inference.runtime import choose_runtime
from autodet.models.store import StoredModel
from autodet.records import FloatArray, Prediction
from autodet.server.api.callers import Callers
from autodet.server.api.docs_page import docs_html
from autodet.server.api.offered_models import Models
from autodet.server.api.openapi import description
from autodet.server.api.photo_bodies import SentPhoto, announced_bytes, read_photo
from autodet.server.api.photo_keeper import PhotoKeeper
from autodet.server.api.photo_memory import PhotoMemory
from autodet.server.api.prediction_options import PredictionOptions
from autodet.server.api.predictor import Predictor
from autodet.server.api.refusals import NO_STORE, Refusal, failed, refused, unexpected
from autodet.settings import load_settings
from autodet.version import __version__

MAX_DRAWINGS = 2  # photos that are decoded in the server at the same time
MAX_QUOTA_WAITS = 2  # threads in which requests to a demo wait for other visitors
Result = TypeVar("Result")


def make_api(models: Models, callers: Callers) -> Starlette:
    """Return the API; its addresses begin behind ``/api``.

    Args:
        models: The models that it offers.
        callers: The check of requests.
    """
    api = _Api(models, callers)
    return Starlette(
        routes=[
            Route("/", _lead_to_docs),
            Route("/health", _health),
            Route("/docs", _docs),
            Route("/openapi.json", _openapi),
            Route("/models", api.models),
            Route("/models/{model}", api.model),
            Route("/models/{model}/predict", api.predict, methods=["POST"]),
        ],
        exception_handlers={HTTPException: refused, AutodetError: failed, Exception: unexpected},
    )


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__}, headers=NO_STORE)


async def _lead_to_docs(_request: Request) -> Response:
    return RedirectResponse("docs")


async def _docs(request: Request) -> Response:
    return HTMLResponse(docs_html(str(request.url.replace(query="")).removesuffix("/docs")))


async def _openapi(_request: Request) -> Response:
    return JSONResponse(description())


class _Api:
    def __init__(self, models: Models, callers: Callers) -> None:
        self._models, self._callers = models, callers
        self._memory, self._predictor, self._keeper = PhotoMemory(), Predictor(), PhotoKeeper()
        self._drawing, self._quota = CapacityLimiter(MAX_DRAWINGS), CapacityLimiter(MAX_QUOTA_WAITS)

    async def models(self, request: Request) -> Response:
        await self._callers.identify(request)
        found = await to_thread.run_sync(lambda: list(map(_model_document, self._models.all())))
        return JSONResponse(found, headers=NO_STORE)

    async def model(self, request: Request) -> Response:
        await self._callers.identify(request)
        found = await to_thread.run_sync(lambda: _model_document(self._models.find(request.path_params["model"])))
        return JSONResponse(found, headers=NO_STORE)

    async def predict(self, request: Request) -> Response:
        visitor = await self._callers.identify(request)
        options = PredictionOptions.of(request.query_params)
        model = await to_thread.run_sync(self._models.find, request.path_params["model"])
        with self._memory.share(visitor.address, announced_bytes(request)) as share:
            try:
                await share.granted
                photo = await read_photo(request)
                self._memory.shrink(share, len(photo.content))
                return await _unless_gone(request, self._answer(model, photo, options, visitor))
            except ClientDisconnect:
                return Response(status_code=499)  # no one receives it

    async def _answer(
        self, model: StoredModel, photo: SentPhoto, options: PredictionOptions, visitor: Visitor
    ) -> Response:
        begun = time.monotonic()
        prediction = await self._prediction(model, photo, visitor, tiles=options.tiles)
        self._keeper.offer(model, photo.content, prediction)
        least = options.threshold
        shown = prediction.above(_own_thresholds(model) if least is None else least)
        if options.format == "image":
            drawn = await to_thread.run_sync(_drawn, photo, shown, model.card.classes, limiter=self._drawing)
            return Response(drawn, media_type="image/jpeg", headers=NO_STORE)
        width, height = shown.size_wh
        document = {
            "model": model.id,
            "image": {"width": width, "height": height},
            "detections": detection_documents(shown, model.card.classes),
            "truncated": shown.truncated,
            "tiles": shown.tiles,
            "seconds": round(time.monotonic() - begun, 4),
        }
        return JSONResponse(document, headers=NO_STORE)

    async def _prediction(self, model: StoredModel, photo: SentPhoto, visitor: Visitor, *, tiles: bool) -> Prediction:
        size_wh = await to_thread.run_sync(_checked_size, photo)
        use = Use.of_photo(size_wh, len(photo.content))
        with ExitStack() as stack:
            allowance = shared_quota.prediction(visitor.address, use, load_settings())
            await to_thread.run_sync(stack.enter_context, allowance, limiter=self._quota)
            return await self._predictor.predict(model, photo.content, photo.name, tiles=tiles)


def _checked_size(photo: SentPhoto) -> tuple[int, int]:
    """Return the size of a photo, and refuse other files before they wait for a prediction."""
    try:
        return photo_header(photo.content, photo.name).stored_wh
    except PhotoFileError as error:
        if error.cause.key == "photo_pixels":
            raise Refusal(413, str(error)) from error
        raise


def _drawn(photo: SentPhoto, prediction: Prediction, classes: Sequence[str]) -> bytes:
    opened = open_photo(photo.content, photo.name)
    boxes = (prediction.boxes_xyxy, prediction.class_ids, classes, prediction.scores)
    return drawing_jpeg(draw_boxes(opened, *boxes))


def _own_thresholds(model: StoredModel) -> FloatArray:
    return np.array(list(model.card.all_thresholds.values()), np.float32)


def _model_document(model: StoredModel) -> dict[str, Any]:
    card = model.card
    document = model.to_json() | {
        "classes": list(card.classes),
        "architecture": card.architecture,
        "image_size": card.image_size,
        "metrics": dict(card.metrics),
        "runtime": choose_runtime(card).name,
    }
    if load_settings().mode == "demo":  # strangers learn no names
        del document["owner"]
    return document


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of some work, and cancel it if the client disconnects.

    Raises:
        ClientDisconnect: The client has gone.
    """
    task, gone = ensure_future(work), ensure_future(_disconnection(request))
    try:
        await wait((task, gone), return_when=FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _disconnection(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
