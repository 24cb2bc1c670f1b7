"""Bundle of one model: ``.autodet``, a zip of ``model.json``, ``weights.safetensors`` and mostly ``model.onnx``.

``model.json`` describes the model and holds the SHA-256 of the other entries. The zip's comment, the file's last 64
bytes, is the SHA-256 of all bytes before it, so that any changed byte is detected. The entries are stored, not
compressed: weights do not compress, and a stored entry cannot declare a false size. The graph refers to the weights
(``autodet.models.shared_weights``), or has 8-bit ones of its own in a file without the weights. docs/bundle.md has the
details.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from autodet.errors import BundleError, LaterVersionError
from autodet.models.model_card import (
    FORMAT,
    MAX_NAME,
    PREDICTION_FORMAT,
    SHARING_FORMAT,
    ModelCard,
    description_problem,
)
from autodet.models.onnx_graph import check_graph
from autodet.models.shared_weights import WEIGHTS_ENTRY, share_weights, unshare_weights
from autodet.workspace import write_atomically

CARD_ENTRY, GRAPH_ENTRY = "model.json", "model.onnx"
MODELS, STORED = "models", "model.autodet"  # a model's place in a workspace: models/ID/model.autodet
DIGEST_BYTES = 64
MAX_CARD_BYTES = 4_000_000
MAX_BUNDLE_BYTES = 2_000_000_000


def write_bundle(path: Path, card: ModelCard, weights: bytes, graph: bytes = b"") -> str:
    """Write a bundle atomically.

    Args:
        path: Target file; an existing file is replaced.
        card: Description of the model; its format and checksums are set here.
        weights: A state dict as safetensors; empty for a bundle that only predicts, whose card has their checksum.
        graph: The network as a serialised ONNX graph, from ``autodet.inference.onnx_export``; empty for none. The file
            holds the weights that it shares with ``weights`` once.

    Returns:
        The SHA-256 of the weights.

    Raises:
        BundleError: The card could not be read back: a name is too long, or has control characters.
    """
    if problem := description_problem(card):
        raise BundleError(f"The model {card.name[:MAX_NAME]!r} cannot be written: {problem}.")
    stored = share_weights(graph, weights) if graph and weights else graph
    weights_sha256 = _sha256(weights) if weights else card.weights_sha256
    checksums = {"weights_sha256": weights_sha256, "graph_sha256": _sha256(stored) if stored else ""}
    format_ = (FORMAT if stored == graph else SHARING_FORMAT) if weights else PREDICTION_FORMAT
    document = asdict(card) | checksums | {"format": format_}
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode()
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = b"0" * DIGEST_BYTES
        for name, data in ((CARD_ENTRY, text), (WEIGHTS_ENTRY, weights), (GRAPH_ENTRY, stored)):
            if data:
                archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    sealed = content.getvalue()[:-DIGEST_BYTES]
    write_atomically(path, sealed + _sha256(sealed).encode())
    return weights_sha256


def read_card(path: Path) -> ModelCard:
    """Read the card of a bundle, without reading or checking the rest.

    Raises:
        BundleError: The file is not a bundle, is truncated, or its description is damaged.
    """
    with _reading(path), zipfile.ZipFile(path) as archive:
        return _card(archive)


def read_bundle(path: Path) -> tuple[ModelCard, bytes]:
    """Read a model's card and its weights as safetensors, with all checks.

    Raises:
        BundleError: The file is not a bundle, is truncated, or was modified, or it only predicts.
    """
    with _reading(path), _sealed(path) as archive:
        card = _card(archive)
        if not card.only_predicts:
            return card, _weights(archive, card)
    raise BundleError(
        f"{title_of(path)} only predicts: the weights to train, or to predict with torch, were left out. Use the model "
        "that it was made from."
    )


def read_contents(path: Path) -> tuple[ModelCard, bytes, bytes]:
    """Read a model's card, its weights, and its ONNX graph as ``read_graph`` does, to write them again.

    Raises:
        BundleError: As ``read_graph``.
    """
    with _reading(path), _sealed(path) as archive:
        card = _card(archive)
        weights = b"" if card.only_predicts else _weights(archive, card)
        return card, weights, _graph(archive, card, weights) if card.graph_sha256 else b""


def read_graph(path: Path) -> tuple[ModelCard, bytes]:
    """Read a model's card and its ONNX graph with its weights, with all checks; empty if the bundle has no graph.

    Raises:
        BundleError: The file is not a bundle, is truncated, or was modified, or its graph is unsafe or another model's.
    """
    card, _, graph = read_contents(path)
    return card, graph


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a bundle is read into a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise BundleError(f"There is no file {path}; give the path of an .autodet file.") from error
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise BundleError(refusal(path, "it is not a whole .autodet file")) from error
    except (ValueError, RecursionError) as error:
        raise BundleError(refusal(path, "its description is not readable")) from error
    except LaterVersionError as error:
        raise LaterVersionError(f"{title_of(path)} {error}") from error
    except BundleError as error:
        raise BundleError(refusal(path, str(error))) from error


def _sealed(path: Path) -> zipfile.ZipFile:
    """Open a bundle of which no byte was changed."""
    if path.stat().st_size > MAX_BUNDLE_BYTES:
        raise BundleError("it is larger than any model")
    content = path.read_bytes()
    archive = zipfile.ZipFile(BytesIO(content))
    if _sha256(memoryview(content)[:-DIGEST_BYTES]).encode() != content[-DIGEST_BYTES:]:
        raise BundleError("it was changed or damaged on its way")
    return archive


def _card(archive: zipfile.ZipFile) -> ModelCard:
    return ModelCard.from_json(json.loads(_entry(archive, CARD_ENTRY, MAX_CARD_BYTES)))


def _weights(archive: zipfile.ZipFile, card: ModelCard) -> bytes:
    weights = _entry(archive, WEIGHTS_ENTRY, MAX_BUNDLE_BYTES)
    if _sha256(weights) != card.weights_sha256:
        raise BundleError("its weights are not those that it describes")
    return weights


def _graph(archive: zipfile.ZipFile, card: ModelCard, weights: bytes) -> bytes:
    stored = _entry(archive, GRAPH_ENTRY, MAX_BUNDLE_BYTES)
    if _sha256(stored) != card.graph_sha256:
        raise BundleError("its ONNX graph is not the one that it describes")
    graph = unshare_weights(stored, weights)
    check_graph(graph, card)
    return graph


def _entry(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > most:
        raise BundleError(f"its entry {name} is not as autodet writes it")
    return archive.read(info)


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


def refusal(path: Path, reason: str) -> str:
    """Return the error sentence for a bundle that cannot be used."""
    return f"{title_of(path)} cannot be used as a model: {reason}. Download it again from where it was made."


def title_of(path: Path) -> str:
    """Return the name of a file for users; a model of the workspace is called by its id, the name of its folder."""
    is_stored = path.name == STORED and path.parent.parent.name == MODELS
    return path.parent.name if is_stored else path.name
