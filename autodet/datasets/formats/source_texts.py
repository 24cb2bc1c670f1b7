"""Decoding of a source's text files, with one decision for all that are not UTF-8."""

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from autodet.datasets.sources.files import open_regular
from autodet.datasets.sources.legacy_encodings import (
    Verdict,
    decode_as,
    find_encoding,
    is_in,
    two_byte_encoding,
    words_of,
)
from autodet.records import Finding

TEXT_ENDINGS = (
    *(".txt", ".xml", ".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".names", ".data", ".pbtxt", ".labels"),
)
MAX_SAMPLE_BYTES = 1_000_000  # of a file, for the decision
MAX_SAMPLED_BYTES = 200_000_000  # of all files
MAX_WORDS = 20_000
MAX_NAMES_SHOWN = 5
MAX_NAME_SHOWN = 30  # letters
_MARKS = (
    *((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32")),
    *((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")),
)
# Encodings that a file may state, by Python's names. Latin-1 and cp1252 are not among them: tools state them for
# whatever they write.
_STATED = {
    *(
        "gb2312",
        "gbk",
        "gb18030",
        "big5",
        "cp950",
        "shift_jis",
        "cp932",
        "euc_jp",
        "euc_kr",
        "cp949",
        "koi8-r",
        "koi8-u",
    ),
    *(f"cp{number}" for number in (*range(1250, 1252), *range(1253, 1259), 866, 874)),
    *(f"iso8859-{number}" for number in range(2, 17)),
}
_STATEMENT = re.compile(rb"""\s*<\?xml[^>]*encoding=["']([\w.-]+)""")
_THREE_BYTES = re.compile(rb"[\xe0-\xff]")  # in UTF-8, the first byte of a letter of three bytes or more
_WORD = re.compile("[^\x00-\x2f:;<=>?]*[^\x00-\x7f][^\x00-\x2f:;<=>?]*")


@dataclass(frozen=True)
class _Sample:
    """Words of a source's text files that are not ASCII.

    Attributes:
        legacy: Words of files that are not UTF-8.
        short: Words of files that are UTF-8 with letters of two bytes only, which other encodings have too.
        context: Words of all other files.
    """

    legacy: set[bytes] = field(default_factory=set)
    short: set[bytes] = field(default_factory=set)
    context: set[str] = field(default_factory=set)


class SourceTexts:
    """The text files of a source.

    Args:
        root: The source's folder.
        files: Its files, relative to ``root``.
    """

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self._root = root
        self._files = files
        self._read: dict[str, dict[str, list[str]]] = {}  # by encoding and file, the words that are not ASCII

    def decode(self, content: bytes, path: str, stated: str = "") -> str:
        """Return a file's content as text.

        UTF-8 and UTF-16, with or without a byte order mark, are recognised one by one. All other files of the source
        have the one legacy encoding that fits the words of all of them best.

        Args:
            content: The file's bytes.
            path: The file that a finding names.
            stated: The encoding that the file states; empty if it states none.
        """
        if encoding := self._certain_encoding(content, stated):
            return content.decode(encoding, "replace")
        words = words_of(content[:MAX_SAMPLE_BYTES])
        if _is_damaged_utf8(words):
            return content.decode("utf-8", "replace")
        return self._decode_legacy(content, path, words)

    def findings(self) -> list[Finding]:
        """Report the legacy encodings that were used, with some of the names read."""
        return [Finding("text_encoding", "", "keep", self._used(encoding)) for encoding in self._read]

    def _certain_encoding(self, content: bytes, stated: str) -> str:
        """Return the encoding that a file shows or states; empty if it must be guessed."""
        if marked := next((encoding for mark, encoding in _MARKS if content.startswith(mark)), ""):
            return marked
        if content.isascii() and b"\0" not in content:
            return "ascii"
        if wide := _wide_encoding(content):
            return wide
        told = _stated_encoding(content, stated)
        if _is_utf8(content) and (_THREE_BYTES.search(content) or not (told or self._is_misread(content))):
            return "utf-8"
        return told

    def _decode_legacy(self, content: bytes, path: str, words: set[bytes]) -> str:
        encoding = self._verdict.encoding or find_encoding(words, self._context).encoding
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:  # not in the encoding of the others
            encoding = find_encoding(words, self._context).encoding
            text = decode_as(content, encoding)
        known = self._read.setdefault(encoding, {})
        if path not in known:
            known[path] = list(dict.fromkeys(_WORD.findall(text[:MAX_SAMPLE_BYTES])))[:MAX_NAMES_SHOWN]
        return text

    def _is_misread(self, content: bytes) -> bool:
        """Return whether a file is UTF-8 by accident only."""
        words = words_of(content[:MAX_SAMPLE_BYTES])
        encoding = self._verdict.encoding
        return bool(encoding) and is_in(words, encoding, known=bool(self._sample.legacy))

    def _used(self, encoding: str) -> dict[str, object]:
        read = self._read[encoding]
        names = dict.fromkeys(word[:MAX_NAME_SHOWN] for words in read.values() for word in words)
        rival = self._verdict.rival if encoding == self._verdict.encoding else ""
        shown = list(names)[:MAX_NAMES_SHOWN]
        return {"encoding": encoding, "files": len(read), "first": min(read), "names": shown, "rival": rival}

    @cached_property
    def _verdict(self) -> Verdict:
        """The legacy encoding of the source; empty if all of its files are UTF-8."""
        if self._sample.legacy:
            return find_encoding(self._sample.legacy, self._context)
        if self._sample.short:
            encoding = two_byte_encoding(self._sample.short)
            if is_in(self._sample.short, encoding, known=False):
                return Verdict(encoding, "utf-8")
        return Verdict("")

    @cached_property
    def _context(self) -> list[str]:
        names = (name for path in self._files if not path.isascii() for name in path.split("/"))
        return [*self._sample.context, *sorted(set(names))[:MAX_WORDS]]

    @cached_property
    def _sample(self) -> _Sample:
        sample = _Sample()
        for content in self._contents():
            words = words_of(content)
            try:
                text = content.decode()
            except UnicodeDecodeError:
                if not _is_damaged_utf8(words):
                    sample.legacy.update(words)
            else:
                if _THREE_BYTES.search(content):
                    sample.context.update(_WORD.findall(text))
                else:
                    sample.short.update(words)
            if len(sample.legacy) + len(sample.short) + len(sample.context) > MAX_WORDS:
                break
        return sample

    def _contents(self) -> Iterator[bytes]:
        """Yield the beginning of each text file that is not ASCII."""
        left = MAX_SAMPLED_BYTES
        for path in self._files:
            if left > 0 and path.lower().endswith(TEXT_ENDINGS):
                with suppress(OSError), open_regular(f"{self._root}/{path}") as file:
                    content = file.read(MAX_SAMPLE_BYTES)
                    left -= len(content)
                    if len(content) == MAX_SAMPLE_BYTES:  # do not cut a letter in two
                        content = content[: max(content.rfind(b"\n"), content.rfind(b'"'), 0)]
                    if not content.isascii() and b"\0" not in content and not _states_encoding(content):
                        yield content


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _states_encoding(xml: bytes) -> bool:
    stated = _STATEMENT.match(xml)
    return stated is not None and bool(_stated_encoding(xml, stated[1].decode("ascii", "replace")))


def _stated_encoding(content: bytes, stated: str) -> str:
    """Return the encoding that a file states, if it can be true."""
    with suppress(UnicodeDecodeError, LookupError):
        if codecs.lookup(stated).name in _STATED:
            content.decode(stated)
            return stated
    return ""


def _wide_encoding(content: bytes) -> str:
    """Return the UTF-16 that a text without a byte order mark is in; empty if it is in none."""
    odd, even = content[1::2].count(0), content[::2].count(0)
    if len(content) % 2 or max(odd, even) * 16 < len(content) or min(odd, even) * 16 > max(odd, even):
        return ""
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    with suppress(UnicodeDecodeError):
        content.decode(encoding)
        return encoding
    return ""


def _is_damaged_utf8(words: set[bytes]) -> bool:
    """Return whether a text is UTF-8 but for a few words."""
    whole = 0
    for word in words:
        with suppress(UnicodeDecodeError):
            word.decode()
            whole += bool(_THREE_BYTES.search(word))
    return 2 * whole > len(words)
