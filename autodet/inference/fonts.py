"""Choice of a font that covers the characters of a class name: Pillow's own, which covers English, or a system font.

Nothing is downloaded. DejaVu, installed on nearly every Linux, covers Latin, Cyrillic, Greek, Hebrew and Arabic.
Chinese, Japanese, Korean and Indic scripts need fonts of their own, such as Debian's ``fonts-noto-cjk``. A name that
mixes two scripts needs one font that covers both. Emoji are drawn in one colour if a font has them.
"""

import os
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
FILES = (  # in order of preference
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKjp-Regular.otf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "unifont.ttf",
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
    "segoeui.ttf",
    "msyh.ttc",
    "meiryo.ttc",
    "malgun.ttf",
    "Nirmala.ttf",
)
NO_LETTER = "\U0010ffff"  # in no font, so it is drawn as the missing-glyph box


@lru_cache(maxsize=512)
def font_for(text: str, size: float) -> Font:
    """Return the first font, Pillow's own before the system's, that covers a text; Pillow's own if none does."""
    own = ImageFont.load_default(size)
    return next((font for font in (own, *_system_fonts(size)) if has_letters(font, text)), own)


def has_letters(font: Font, text: str) -> bool:
    """Return whether a font has a glyph for every printable character of a text."""
    if not isinstance(font, ImageFont.FreeTypeFont):
        return text.isascii()
    missing = _drawn(font, NO_LETTER)
    return all(_drawn(font, letter) != missing for letter in {*text} if letter.isprintable() and not letter.isspace())


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)


def _system_fonts(size: float) -> Iterator[Font]:
    for path in installed_fonts():
        try:
            yield ImageFont.truetype(path, size)
        except OSError:  # damaged or deleted
            continue


@cache
def installed_fonts() -> tuple[Path, ...]:
    """Return the paths of ``FILES`` found in ``FOLDERS``, in order of preference; searched once per process."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for place, _, names in os.walk(Path(folder).expanduser()):
            for name in set(FILES).intersection(names):
                found.setdefault(name, Path(place) / name)
    return tuple(found[name] for name in FILES if name in found)
