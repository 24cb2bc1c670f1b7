"""Names of entries in archives: their encoding, and safe paths."""

import json
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from autodet.datasets.sources.files import (
    MAX_NAME_LENGTH,
    cleared_name,
    is_data,
    is_file_name,
    skipped,
)
from autodet.datasets.sources.legacy_encodings import decode_as, find_encoding
from autodet.errors import ArchiveError
from autodet.records import Finding
from autodet.settings import Settings

SKIPPED = ".skipped.json"  # file in an unpacked folder, with what was skipped; names in archives never begin with a dot
MAX_SKIPPED = 1000
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_UNICODE_PATH = 0x7075


def safe_path(name: str, max_depth: int = Settings.max_depth) -> PurePosixPath:
    """Convert an untrusted name to a path that stays below the folder it is joined to.

    Raises:
        ArchiveError: The name is absolute, contains ``..``, is too deep, or is not a valid file name.
    """
    return PurePosixPath(safe_name(name, max_depth))


def safe_name(name: str, max_depth: int) -> str:
    """Implement ``safe_path`` on text, because building hundreds of thousands of paths is slow."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    unsafe = plain.startswith("/") or plain[1:2] == ":" or ".." in parts or not parts
    if unsafe:
        raise ArchiveError(f"The name {name[:100]!r} reaches outside its folder; rename it.")
    if not all(map(is_file_name, parts)):
        raise ArchiveError(f"The name {name[:100]!r} is too long for a file, or not plain text; rename it.")
    if len(parts) > max_depth:
        raise ArchiveError(
            f"The file {name[:100]!r} lies more than {max_depth} folders deep; move it up, or raise AUTODET_MAX_DEPTH."
        )
    return "/".join(parts)


def entry_name(name: str, max_depth: int) -> str:
    """As ``safe_name``, but control characters are replaced, and names of files that are no data are shortened."""
    path = "/".join(map(cleared_name, name.split("/")))
    folder, _, last = path.rpartition("/")
    if len(last.encode()) > MAX_NAME_LENGTH and not is_data(last):
        last = last.encode()[:MAX_NAME_LENGTH].decode("utf-8", "ignore")
        path = f"{folder}/{last}" if folder else last
    return safe_name(path, max_depth)


def decode_names(names: Sequence[bytes], mentions: Iterable[str] = ()) -> list[str]:
    """Decode the names of an archive's entries with the one encoding that fits all of them.

    Args:
        names: Names whose encoding the archive does not say.
        mentions: Texts of label files, which name photos.
    """
    foreign = {name for name in names if not name.isascii()}
    words = {word for name in foreign for word in re.split(rb"[/\\]", name) if not word.isascii()}
    verdict = find_encoding(words, names=True) if words else None
    encoding = verdict.encoding if verdict else "utf-8"
    if text := " ".join(_ESCAPE.sub(lambda code: chr(int(code[1], 16)), mention) for mention in mentions):
        found = {one: _mentioned(words, one, text) for one in (encoding, *_CANDIDATES)}
        encoding = max(found, key=lambda one: found[one])
    return [name.decode() if name.isascii() else decode_as(name, encoding) for name in names]


_CANDIDATES = (
    *("utf-8", "gb18030", "cp932", "cp949", "cp950", "cp866", "cp850", "cp852", "cp857", "cp437", "cp1252", "cp1251"),
    *("cp1250", "euc_jp", "cp737", "cp862", "cp720", "cp874"),
)


def _mentioned(words: Iterable[bytes], encoding: str, text: str) -> int:
    """Count the names that a text mentions if they are decoded in an encoding."""
    count = 0
    for word in words:
        try:
            stem = word.decode(encoding).rpartition(".")[0] or word.decode(encoding)
        except UnicodeDecodeError:
            continue
        count += stem in text
    return count


def unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in Info-ZIP's field for Unicode paths, if it belongs to the entry's plain name."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            if struct.unpack_from("<L", field, 1)[0] != zlib.crc32(raw):
                return None
            try:
                return field[5:].decode()
            except UnicodeDecodeError:
                return None
    return None


def write_skipped(folder: Path, findings: Sequence[Finding]) -> None:
    """Store the skipped entries beside the unpacked files, because they are read later."""
    if findings:
        rows = [[finding.file, finding.cause, finding.values] for finding in findings[:MAX_SKIPPED]]
        (folder / SKIPPED).write_text(json.dumps(rows), encoding="utf-8")


def read_skipped(folder: Path) -> list[Finding]:
    """Return the findings of ``write_skipped``; ``folder`` must be ours."""
    path = folder / SKIPPED
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [skipped(file, cause, **values) for file, cause, values in rows]
