"""The prediction process: loads models and detects objects on photos until its parent closes the connection.

``autodet.inference.prediction_process`` is the parent's side.
"""

import logging
import os
import signal
import sys
from collections import OrderedDict
from contextlib import suppress
from multiprocessing.connection import Connection

from autodet.errors import AutodetError, ModelError
from autodet.inference.prediction_process import Answer, Request
from autodet.inference.runtime import Runtime
from autodet.inference.runtime_loader import load_runtime
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel

NICENESS = 2  # pages come first, training last
MAX_LOADED = 3

Loaded = tuple[ModelCard, Runtime]

log = logging.getLogger("autodet.prediction_worker")


def serve(connection: Connection) -> None:
    """Answer requests in order, with an ``Answer`` or the exception, until the other side closes the connection."""
    loaded: OrderedDict[str, Loaded] = OrderedDict()
    with suppress(EOFError, OSError):
        while True:
            connection.send(_answer(connection.recv(), loaded))


def _answer(request: Request, loaded: "OrderedDict[str, Loaded]") -> Answer | Exception:
    try:
        card, runtime = _loaded(request.model, loaded)
        results = tuple(runtime.predict(request.photos, card.image_size, request.tiling))
        return Answer(card, runtime.name, runtime.device, runtime.limit, results)
    except AutodetError as error:
        return error
    except Exception:  # the parent cannot unpickle every exception, and its user would not understand them
        log.exception("A prediction failed.")
        return RuntimeError("A prediction failed; the log has the details.")


def _loaded(model: StoredModel, loaded: "OrderedDict[str, Loaded]") -> Loaded:
    """Return a loaded model, and keep it loaded in place of the least recently used one.

    Raises:
        ModelError: The file holds another model by now, whose detections the classes and thresholds of the requested
            one would misinterpret.
    """
    key = f"{model.path} {vars(model.card)}"  # models with the same weights may differ otherwise
    if key not in loaded:
        while len(loaded) >= MAX_LOADED:
            loaded.popitem(last=False)
        card, runtime = load_runtime(model)
        if _facts(card) != _facts(model.card):
            raise ModelError(f"The model {model.card.name} was replaced while it was in use; try again.")
        loaded[key] = card, runtime
    loaded.move_to_end(key)
    return loaded[key]


def _facts(card: ModelCard) -> tuple[object, ...]:
    """Return what detections and their meaning depend on; another name or an added graph changes neither."""
    network = card.graph_sha256 if card.only_predicts else card.weights_sha256
    return network, card.classes, card.image_size, card.calibration, card.all_thresholds


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which finishes its requests
    os.nice(NICENESS)
    serve(Connection(int(sys.argv[1])))
