"""Bundle of one model: ``.autodet``, a zip of ``model.json`` and ``weights.safetensors``, without pickle.

``model.json`` describes the model and holds the SHA-256 of the weights. The zip's comment, the file's last 64 bytes, is
the SHA-256 of all bytes before it, so that any changed byte is detected. Both entries are stored, not compressed:
weights do not compress, and a stored entry cannot declare a false size.
"""

import hashlib
import json
import zipfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from autodet.errors import BundleError, LaterVersionError
from autodet.models.model_card import MAX_NAME, ModelCard, description_problem
from autodet.workspace import write_atomically

CARD_ENTRY, WEIGHTS_ENTRY = "model.json", "weights.safetensors"
DIGEST_BYTES = 64
MAX_CARD_BYTES = 4_000_000
MAX_BUNDLE_BYTES = 2_000_000_000


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
