"""Encoding of bytes that are not UTF-8, decided from few and short words such as the names of classes.

Each language has a model of its letters, counted in the words of ``languages.txt``. An encoding costs as many bits as
the words need under the model of its best language; the cheapest encoding wins.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

MAX_WORDS = 400
MIN_MARGIN = 4.0  # bits by which an encoding must be cheaper than any other, to be certain
UTF8 = "utf-8"
UTF8_BONUS = 12.0  # bits: words that happen to be valid UTF-8 nearly always are UTF-8
CONTEXT_BONUS = 24.0  # bits for the language of other texts in the same source

# Prior cost in bits, for the content of files and for their names in archives, which Windows writes in DOS code pages.
_FILE_PRIORS = {
    **{"gb18030": 0, "cp1252": 0, "cp1251": 0, "cp932": 0, "cp949": 3, "cp1250": 1, "cp950": 2, "cp1253": 1},
    **{"cp1254": 1, "cp1256": 1, "cp874": 4, "cp1255": 2, "cp1257": 4, "euc_jp": 6, "cp866": 4, "koi8_r": 5},
    **{"cp850": 6, "cp852": 6, "mac_roman": 6},
}
_NAME_PRIORS = {
    "euc_jp": 6,
    **{"gb18030": 0, "cp850": 0, "cp866": 0, "cp932": 0, "cp949": 3, "cp852": 1, "cp950": 2, "cp737": 1, "cp857": 1},
    **{"cp720": 2, "cp862": 2, "cp874": 4, "cp775": 4, "cp1252": 4, "cp1251": 3, "cp1250": 4, "cp1254": 4},
}
_RARE_PRIOR = 8
_TWO_BYTES = ("gb18030", "cp950", "cp932", "cp949", "euc_jp")

_WORD = re.compile(rb"[^\x00-\x2f:;<=>?]*[\x80-\xff][^\x00-\x2f:;<=>?]*")  # no second byte is among the separators
_WORD_START = 2.0
_ASCII_LETTER, _OTHER_ASCII, _FOREIGN_LETTER, _SYMBOL, _SCRIPT_CHANGE, _UNDECODABLE = 5.0, 4.0, 18.0, 20.0, 5.0, 14.0
_CASES = {"ll": 0.1, "uu": 0.5, "lu": 8.0, "ul": 2.0}  # of neighbouring letters; an initial capital is usual
_LATIN_WORD = 12.0
_LATIN_BESIDE = re.compile(r"(?<=[^\x00-\x7f])[a-z]{2,}|[a-z]{2,}(?=[^\x00-\x7f])")
_INITIAL_CAPITAL, _SMOOTHING, _UNSEEN = 1.5, 6.0, 0.3


class Verdict(NamedTuple):
    """The encoding of some words.

    Attributes:
        encoding: Python's name of the encoding.
        rival: Another encoding that is about as likely, and gives other text; empty if there is none.
    """

    encoding: str
    rival: str = ""


def words_of(content: bytes) -> set[bytes]:
    """Return the words of a text that are not ASCII."""
    return set(_WORD.findall(content))


def find_encoding(words: Collection[bytes], context: Iterable[str] = (), *, names: bool = False) -> Verdict:
    """Return the most likely encoding of words.

    Args:
        words: Words that are not ASCII, as ``words_of`` returns them.
        context: Text of the same origin whose encoding is known.
        names: Whether the words are names of files in an archive, which may be UTF-8 too.
    """
    words = sorted(words, key=lambda word: (len(word), word))
    words = words[:: len(words) // MAX_WORDS + 1]
    bonuses = _bonuses(context)
    priors = _NAME_PRIORS if names else _FILE_PRIORS
    encodings = dict.fromkeys(encoding for language in _languages() for encoding in language.encodings)
    costs = {encoding: _cost(words, encoding, bonuses) + priors.get(encoding, _RARE_PRIOR) for encoding in encodings}
    if names:
        costs[UTF8] = _cost(words, UTF8, bonuses) - UTF8_BONUS
    best = min(costs, key=lambda encoding: costs[encoding])
    text = [_decoded(word, best) for word in words]
    close = [encoding for encoding in costs if encoding != best and costs[encoding] < costs[best] + MIN_MARGIN]
    close.sort(key=lambda encoding: costs[encoding])
    return Verdict(best, next((one for one in close if [_decoded(word, one) for word in words] != text), ""))


def is_in(words: Collection[bytes], encoding: str, *, known: bool) -> bool:
    """Return whether words that are valid UTF-8 are rather in an encoding of two bytes for each letter.

    The bytes of 猫 in GBK are those of è in UTF-8.

    Args:
        words: Words that are valid UTF-8, and not ASCII.
        encoding: The other encoding.
        known: Whether other files of the source are known to be in that encoding.
    """
    if encoding not in _TWO_BYTES or any(max(_decoded(word, UTF8) or "\uffff") > "\u07ff" for word in words):
        return False
    bonus = -8.0 if known else UTF8_BONUS
    return _cost(words, encoding, {}) + bonus < _cost(words, UTF8, {})


def two_byte_encoding(words: Collection[bytes]) -> str:
    """Return the encoding of two bytes for each letter that fits words best."""
    return min(_TWO_BYTES, key=lambda encoding: _cost(words, encoding, {}) + _FILE_PRIORS[encoding])


def decode_as(content: bytes, encoding: str) -> str:
    """Decode a text; a text that is not in the encoding becomes Latin-1, which keeps distinct bytes distinct."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")


@dataclass(frozen=True)
class _Language:
    """A model of a language's letters.

    Attributes:
        name: The language in English.
        encodings: Legacy encodings for it.
        words: Sample words.
    """

    name: str
    encodings: tuple[str, ...]
    words: tuple[str, ...]

    def bits(self, word: str) -> float:
        """Return the cost of a word."""
        if self.charset:
            return _WORD_START + sum(map(self._ideograph_bits, word)) + self._changes(word)
        plain = word.lower()
        letters = ["^" if not self._is_letter(letter) else letter for letter in plain]
        steps = sum(self._step_bits(one, other) for one, other in pairwise(["^", *letters, "^"]) if one + other != "^^")
        return steps + sum(_other_bits(letter) for letter in plain if not self._is_letter(letter)) + _case_bits(word)

    def knows(self, letter: str) -> bool:
        """Return whether the language has a letter that is not ASCII."""
        if not self.charset:
            return letter.lower() in self.letters
        if "\u3040" <= letter <= "\u30ff":  # kana, which Chinese standards have too
            return self.name == "Japanese"
        return letter in self.letters or (letter.isalpha() and _encodes(letter, self.charset))

    @cached_property
    def charset(self) -> str:
        """The standard of the ideographs or syllables that the language uses; empty for an alphabet."""
        standards = {"Chinese": "gb2312", "Traditional Chinese": "big5", "Japanese": "euc_jp", "Korean": "euc_kr"}
        return standards.get(self.name, "")

    @cached_property
    def letters(self) -> Mapping[str, int]:
        """The number of each letter in the samples."""
        return Counter("".join(self.words).lower())

    @cached_property
    def _total(self) -> int:
        return sum(self.letters.values())

    @cached_property
    def _pairs(self) -> Mapping[str, int]:
        return Counter(one + other for word in self.words for one, other in pairwise(f"^{word.lower()}^"))

    @cached_property
    def _firsts(self) -> Mapping[str, int]:
        firsts: Counter[str] = Counter()
        for pair, count in self._pairs.items():
            firsts[pair[0]] += count
        return firsts

    def _is_letter(self, letter: str) -> bool:
        return letter in self.letters or (letter.isascii() and letter.isalpha())

    def _step_bits(self, one: str, other: str) -> float:
        """Return the cost of a letter after another; ``^`` is the beginning or the end."""
        ending = len(self.words) / (self._total + len(self.words))
        alone = ending if other == "^" else (self.letters.get(other, 0) + _UNSEEN) / (self._total + 40 * _UNSEEN)
        seen = self._pairs.get(one + other, 0) + _SMOOTHING * alone
        return -math.log2(seen / (self._firsts.get(one, 0) + _SMOOTHING))

    def _ideograph_bits(self, letter: str) -> float:
        if letter.isascii():
            return _ASCII_LETTER if letter.isalpha() else _OTHER_ASCII
        share = 0.8 * self.letters.get(letter, 0) / self._total + 0.2 * self._rare_share(letter)
        return -math.log2(share)

    def _rare_share(self, letter: str) -> float:
        """Return the share of a letter by the part of the standard that it is in: the first has the common ones."""
        try:
            code = letter.encode(self.charset)
        except UnicodeEncodeError:
            return 2.0**-18
        last_common = {"gb2312": 0xD7, "big5": 0xC6, "euc_jp": 0xCF, "euc_kr": 0xC8}[self.charset]
        first_common = 0xA4 if self.charset in ("big5", "euc_jp") else 0xB0
        if len(code) == 2 and first_common <= code[0] <= last_common and letter.isalpha():
            return 1 / 3000
        return 2.0**-16 if letter.isalpha() else 2.0**-14

    def _changes(self, word: str) -> float:
        """Return the cost of small Latin letters right beside others; several are hardly ever part of such a word."""
        beside = sum(one.isascii() != other.isascii() and (one + other).islower() for one, other in pairwise(word))
        return _SCRIPT_CHANGE * beside + _LATIN_WORD * len(_LATIN_BESIDE.findall(word))


def _other_bits(letter: str) -> float:
    """Return the cost of a letter that a language lacks, in lower case, or of a digit or symbol."""
    if letter.isascii():
        return _OTHER_ASCII
    return _FOREIGN_LETTER if letter.isalpha() else _SYMBOL


def _case_bits(word: str) -> float:
    cases = ["u" if letter.isupper() else "l" if letter.islower() else " " for letter in word]
    initial = _INITIAL_CAPITAL if cases and cases[0] == "u" else 0.0
    return initial + sum(_CASES.get(one + other, 0.0) for one, other in pairwise(cases))


def _cost(words: Collection[bytes], encoding: str, bonuses: Mapping[str, float]) -> float:
    """Return the bits that words need in an encoding, under its best language."""
    texts = [_decoded(word, encoding) for word in words]
    broken = sum(_UNDECODABLE * len(word) for word, text in zip(words, texts, strict=True) if text is None)
    languages = [one for one in _languages() if encoding == UTF8 or encoding in one.encodings]
    fitting = [sum(one.bits(text) for text in texts if text) - bonuses.get(one.name, 0.0) for one in languages]
    return broken + min(fitting, default=0.0)


def _decoded(word: bytes, encoding: str) -> str | None:
    try:
        text = word.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if any(unicodedata.category(letter) in ("Cc", "Co", "Cn") for letter in text) else text


def _bonuses(context: Iterable[str]) -> dict[str, float]:
    """Return the bonus of each language for the letters of texts that are known."""
    letters = [letter for text in context for letter in text if not letter.isascii() and letter.isalpha()][:2000]
    if not letters:
        return {}
    return {
        language.name: CONTEXT_BONUS * sum(map(language.knows, letters)) / len(letters) for language in _languages()
    }


@lru_cache(maxsize=1 << 14)
def _encodes(letter: str, charset: str) -> bool:
    try:
        return bool(letter.encode(charset))
    except UnicodeEncodeError:
        return False


@lru_cache(maxsize=1)
def _languages() -> tuple[_Language, ...]:
    lines = Path(__file__).with_name("languages.txt").read_text(encoding="utf-8").splitlines()
    fields = [line.split("|") for line in lines if not line.startswith("#")]
    return tuple(_Language(name, tuple(encodings.split()), tuple(words.split())) for name, encodings, words in fields)
