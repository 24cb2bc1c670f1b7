"""Keeps photos that a model is unsure of, in a thread of its own, so that no answer waits for it."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from autodet.errors import AutodetError
from autodet.inference.kept_photos import is_unsure, keep_photo
from autodet.models.store import StoredModel
from autodet.records import Prediction
from autodet.settings import Settings, load_settings
from autodet.workspace import open_workspace

MAX_WAITING_BYTES = 60_000_000  # of photos that are being written; others are not kept meanwhile

log = logging.getLogger("autodet.api")


class PhotoKeeper:
    """Keeps photos of one server."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "autodet-kept-photos")
        self._lock = threading.Lock()
        self._waiting = 0  # bytes

    def offer(self, model: StoredModel, content: bytes, prediction: Prediction) -> None:
        """Keep a photo later, if the settings ask for it; it returns at once."""
        settings = load_settings()
        if not is_unsure(prediction, settings):
            return
        with self._lock:
            if self._waiting + len(content) > MAX_WAITING_BYTES:
                return
            self._waiting += len(content)
        self._thread.submit(self._keep, model, content, prediction, settings)

    def _keep(self, model: StoredModel, content: bytes, prediction: Prediction, settings: Settings) -> None:
        try:
            keep_photo(model, content, prediction, settings, open_workspace())
        except (AutodetError, OSError) as error:  # a full disk: the answers go on
            log.warning("A photo could not be kept: %s", error)
        except Exception:  # the thread's boundary: no one else would learn of it
            log.exception("A photo could not be kept.")
        finally:
            with self._lock:
                self._waiting -= len(content)
