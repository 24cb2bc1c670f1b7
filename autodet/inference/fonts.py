"""A font that has the letters of a class's name: Pillow brings one with English letters alone, systems have others.

Nothing is downloaded. DejaVu, on nearly every Linux, covers Latin, Cyrillic, Greek, Hebrew and Arabic letters. Chinese,
Japanese, Korean and the scripts of India need a font of their own, such as Debian's ``fonts-noto-cjk``. A name in
letters of two scripts needs one font that has both. Emoji are drawn in one colour, where a font has them.
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
FILES = (  # in this order
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
NO_LETTER = "\U0010ffff"  # no font has it, so it is drawn as what is missing


@lru_cache(maxsize=512)
def font_for(text: str, size: float) -> Font:
    """Pillow's own font where it has all letters of a text, else the first of the system's that has, else Pillow's."""
    own = ImageFont.load_default(size)
    return next((font for font in (own, *_system_fonts(size)) if has_letters(font, text)), own)


def has_letters(font: Font, text: str) -> bool:
    """Whether a font draws every letter of a text, rather than the box that stands for a missing one."""
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
        except OSError:  # damaged, or gone
            continue


@cache
def installed_fonts() -> tuple[Path, ...]:
    """Those of ``FILES`` that are in ``FOLDERS``, in their order; looked for once."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for place, _, names in os.walk(Path(folder).expanduser()):
            for name in set(FILES).intersection(names):
                found.setdefault(name, Path(place) / name)
    return tuple(found[name] for name in FILES if name in found)
