"""Why a photo should be labelled before others."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

# The model is unsure about objects; two models disagree about objects; it may show a class with few labels; it is
# unlike the photos that are labelled or come before, and may be like others; it nearly repeats a photo that is labelled
# or comes before; it has the proposal with this score.
LabelReasonKind = Literal["unsure", "disputed", "rare", "unlike", "copy", "proposal"]


@dataclass(frozen=True, slots=True)
class LabelReason:
    """The main reason for a photo's place in an order.

    Attributes:
        kind: Kind of the reason.
        count: Number of objects, for ``unsure`` and ``disputed``; number of photos like it, for ``unlike``.
        class_name: Name of the class, for ``rare``.
        value: Part of the teaching value with this reason, 0 to 1; for ``proposal``, the score.
    """

    kind: LabelReasonKind
    count: int = 0
    class_name: str = ""
    value: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the attributes; ``class_name`` as ``class``."""
        document = asdict(self)
        return {"class" if name == "class_name" else name: value for name, value in document.items()}
