"""The options of a prediction in the address of its request."""

import math
from dataclasses import dataclass
from typing import Literal, Self, get_args

from starlette.datastructures import QueryParams

from autodet.server.api.refusals import DOCS, Refusal
from autodet.text_format import listed

Form = Literal["json", "image"]
FORMS: tuple[Form, ...] = get_args(Form)
OPTIONS = ("threshold", "format", "tiles")
SWITCH = {"0": False, "1": True}
MAX_SHOWN = 40  # characters of a wrong value


@dataclass(frozen=True)
class PredictionOptions:
    """The options of a prediction.

    Attributes:
        threshold: Minimum confidence of a detection, 0 to 1; None for the model's own threshold of each class.
        format: ``json`` for the detections, ``image`` for the photo with its boxes drawn, a JPEG.
        tiles: Whether to predict on tiles of a large photo too; see ``Detector.predict``.
    """

    threshold: float | None = None
    format: Form = "json"
    tiles: bool = False

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Parse the query of an address.

        Raises:
            Refusal: An option is unknown, repeated, or has an invalid value.
        """
        given = query.multi_items()
        for name, _ in given:
            if name not in OPTIONS:
                raise Refusal(400, f"There is no option {name[:MAX_SHOWN]!r}; give {listed(OPTIONS, 'or')}. {DOCS}")
            if len(query.getlist(name)) > 1:
                raise Refusal(400, f"The option {name!r} is given twice; give it once.")
        threshold, form = query.get("threshold"), query.get("format", "json")
        tiles = query.get("tiles", "0")
        if tiles not in SWITCH:
            raise Refusal(400, f"The option tiles is {tiles[:MAX_SHOWN]!r}; give 0 or 1.")
        return cls(None if threshold is None else _threshold(threshold), _format(form), SWITCH[tiles])


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise Refusal(400, f"The threshold is {text[:MAX_SHOWN]!r}; give a number between 0 and 1.")
    return value


def _format(text: str) -> Form:
    for form in FORMS:
        if text == form:
            return form
    raise Refusal(400, f"The format is {text[:MAX_SHOWN]!r}; give json or image.")
