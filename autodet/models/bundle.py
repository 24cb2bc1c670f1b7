"""Bundle of one model: ``.autodet``, a zip of ``model.json`` and ``weights.safetensors``, without pickle.

``model.json`` describes the model and holds the SHA-256 of the weights. The zip's comment, the file's last 64 bytes, is
the SHA-256 of all bytes before it, so that any changed byte is detected. Both entries are stored, not compressed:
weights do not compress, and a stored entry cannot declare a false size.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from autodet.errors import BundleError, LaterVersionError
from autodet.models.description import MAX_NAME, description_problem
from autodet.records import Origin, TrainedSizes, known_entries
from autodet.text_format import few, shortened
from autodet.version import __version__
from autodet.workspace import write_atomically

FORMAT = "autodet-1"
CARD_ENTRY, WEIGHTS_ENTRY = "model.json", "weights.safetensors"
DIGEST_BYTES = 64
SCORE = "score"  # metric by which the search compared epochs, of the best epoch
MAX_CARD_BYTES = 4_000_000
MAX_BUNDLE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class ModelCard:
    """Description of a model in plain values.

    Attributes:
        name: Display name.
        classes: Class names; a class id is an index into them.
        architecture: A name of ``autodet.models.registry``.
        image_size: Side in pixels of the square that photos are letterboxed into.
        dataset: Name of the training data set.
        dataset_fingerprint: Fingerprint of the training data set.
        metrics: Metrics on the data set's validation split, including ``map50`` and ``map50_95``.
        params: Hyperparameters of the training.
        epoch: The epoch whose weights were kept.
        created: Creation time, ISO 8601 with time zone.
        preprocessing: How a photo becomes the network's input.
        versions: Versions of autodet, torch and torchvision.
        refit: Whether a final refit trained it on the validation photos too; ``metrics`` are then those of the best
            trial, whose parameters and epochs it uses.
        latency_ms: Time of one prediction in milliseconds, if the search measured it; see ``autodet.training.latency``.
        start_from: The model whose weights the training started from; None for the network's pretrained weights.
        trained_sizes: Sizes of the training photos and their objects; None for models of earlier versions.
        weights_sha256: Checksum of the weights; set when the bundle is written.
        format: Format of the bundle.
    """

    name: str
    classes: tuple[str, ...]
    architecture: str
    image_size: int
    dataset: str
    dataset_fingerprint: str
    metrics: Mapping[str, float]
    params: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    created: str = ""
    preprocessing: str = "EXIF orientation applied, RGB, letterboxed into a square, grey 114"
    versions: Mapping[str, str] = field(default_factory=dict)
    refit: bool = False
    latency_ms: float | None = None
    start_from: Origin | None = None
    trained_sizes: TrainedSizes | None = None
    weights_sha256: str = ""
    format: str = FORMAT

    def __repr__(self) -> str:
        """Return a one-line summary for notebooks."""
        figures = "".join(
            f", {name} {value:.3f}" for name, value in self.metrics.items() if name in ("map50", "map50_95")
        )
        return (
            f"ModelCard({shortened(self.name)!r}, {self.architecture}, {self.image_size} px{figures}, data set "
            f"{shortened(self.dataset)!r}, {few(self.classes, 'class', 'classes')})"
        )

    @property
    def score(self) -> float:
        """Score by which a search compares models, as ``EpochResult.score``; earlier versions stored mAP@0.5 only."""
        return self.metrics.get(SCORE, self.metrics["map50"])

    def as_origin(self, model: str) -> Origin:
        """Return the ``Origin`` of a training that starts from this model; ``model`` is its id."""
        facts = (self.weights_sha256, self.dataset, self.dataset_fingerprint, self.refit, self.start_from)
        return Origin(model, *facts).nearest()

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Parse a card from its JSON document, ignoring entries that this version does not know.

        Raises:
            BundleError: The document is not a card of this format, or has invalid values.
            LaterVersionError: The card has a later format.
        """
        if not isinstance(document, dict) or not isinstance(document.get("format"), str):
            raise BundleError("it is not a model of autodet")
        if document["format"] != FORMAT:
            if re.fullmatch(r"autodet-[1-9]\d{0,5}", document["format"]):
                raise LaterVersionError(made_later(document.get("versions")))
            raise BundleError(f"it is not a model of the format {FORMAT}")
        try:
            classes = document["classes"]
            parts = {
                "classes": tuple(classes) if isinstance(classes, list) else (),
                "start_from": Origin.from_json(document.get("start_from")),
                "trained_sizes": TrainedSizes.from_json(document.get("trained_sizes")),
            }
            card = cls(**known_entries(cls, document) | parts)
        except (AttributeError, TypeError, KeyError) as error:
            raise BundleError("its description lacks entries, or has some of the wrong kind") from error
        if problem := description_problem(card):
            raise BundleError(problem)
        return card


def made_later(versions: Any) -> str:
    """Return the end of an error sentence on a model from a later version of autodet, as its description states."""
    version = versions.get("autodet") if isinstance(versions, dict) else None
    known = isinstance(version, str) and re.fullmatch(r"[\w.+-]{1,40}", version)
    maker = f"autodet {version}" if known else "a later version of autodet"
    return f"was made by {maker}; this is autodet {__version__}: update autodet to use it."


def write_bundle(path: Path, card: ModelCard, weights: bytes) -> None:
    """Write a bundle atomically.

    Args:
        path: Target file; an existing file is replaced.
        card: Description of the model; its ``weights_sha256`` is set here.
        weights: A state dict as safetensors.

    Raises:
        BundleError: The card could not be read back: a name is too long, or has control characters.
    """
    if problem := description_problem(card):
        raise BundleError(f"The model {card.name[:MAX_NAME]!r} cannot be written: {problem}.")
    document = asdict(card) | {"weights_sha256": hashlib.sha256(weights).hexdigest()}
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = b"0" * DIGEST_BYTES
        for name, data in ((CARD_ENTRY, text), (WEIGHTS_ENTRY, weights)):
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    sealed = content.getvalue()[:-DIGEST_BYTES]
    write_atomically(path, sealed + hashlib.sha256(sealed).hexdigest().encode())


def read_card(path: Path) -> ModelCard:
    """Read the card of a bundle, without reading or checking its weights.

    Raises:
        BundleError: The file is not a bundle, is truncated, or its description is damaged.
    """
    card, _ = _read(path, with_weights=False)
    return card


def read_bundle(path: Path) -> tuple[ModelCard, bytes]:
    """Read a model's card and its weights as safetensors, with all checks.

    Raises:
        BundleError: The file is not a bundle, is truncated, or was modified.
    """
    return _read(path, with_weights=True)


def _read(path: Path, *, with_weights: bool) -> tuple[ModelCard, bytes]:
    try:
        if with_weights:
            _check_seal(path)
        with zipfile.ZipFile(path) as archive:
            card = ModelCard.from_json(json.loads(_entry(archive, CARD_ENTRY, MAX_CARD_BYTES)))
            archive.getinfo(WEIGHTS_ENTRY)
            weights = _entry(archive, WEIGHTS_ENTRY, MAX_BUNDLE_BYTES) if with_weights else b""
        if with_weights and hashlib.sha256(weights).hexdigest() != card.weights_sha256:
            raise BundleError("its weights are not those that it describes")
    except FileNotFoundError as error:
        raise BundleError(f"There is no file {path}; give the path of an .autodet file.") from error
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise BundleError(refusal(path, "it is not a whole .autodet file")) from error
    except (ValueError, RecursionError) as error:
        raise BundleError(refusal(path, "its description is not readable")) from error
    except LaterVersionError as error:
        raise LaterVersionError(f"{path.name} {error}") from error
    except BundleError as error:
        raise BundleError(refusal(path, str(error))) from error
    return card, weights


def _check_seal(path: Path) -> None:
    if path.stat().st_size > MAX_BUNDLE_BYTES:
        raise BundleError("it is larger than any model")
    content = path.read_bytes()
    if not zipfile.is_zipfile(path):
        raise zipfile.BadZipFile
    if hashlib.sha256(content[:-DIGEST_BYTES]).hexdigest().encode() != content[-DIGEST_BYTES:]:
        raise BundleError("it was changed or damaged on its way")


def _entry(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > most:
        raise BundleError(f"its entry {name} is not as autodet writes it")
    return archive.read(info)


def refusal(path: Path, reason: str) -> str:
    """Return the error sentence for a bundle that cannot be used."""
    return f"{path.name} cannot be used as a model: {reason}. Download it again from where it was made."
