"""Layouts of TIFF that Pillow opens, but does not read as they are meant."""

from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, TiffImageFile

_WHITE_IS_ZERO, _CHANNEL_BY_CHANNEL = 0, 2


def is_negative(image: Image.Image) -> bool:
    """Return whether white is 0; Pillow inverts such a photo of 8 bits, but not one of 16."""
    if not isinstance(image, TiffImageFile) or not image.mode.startswith("I"):
        return False
    return image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO


def is_misread(image: Image.Image) -> bool:
    """Return whether Pillow misreads the photo: it takes channels stored one by one for 8 bits."""
    if not isinstance(image, TiffImageFile) or image.tag_v2.get(PLANAR_CONFIGURATION) != _CHANNEL_BY_CHANNEL:
        return False
    bits = image.tag_v2.get(BITSPERSAMPLE, (1,))
    return len(image.getbands()) > 1 and max(bits if isinstance(bits, tuple) else (bits,)) > 8
