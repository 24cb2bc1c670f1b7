"""Photos on the Predict page, with their predictions."""

from dataclasses import dataclass
from pathlib import Path

from autodet.records import Annotations, Prediction


@dataclass(frozen=True)
class Photo:
    """A photo that a visitor gives.

    Attributes:
        name: File name or path in a folder or archive, as the visitor knows it.
        source: The photo's file, or its content.
    """

    name: str
    source: Path | bytes


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo with its prediction.

    Attributes:
        photo: The photo.
        sha256: Checksum of its content.
        prediction: All detections, including those of low confidence; ``size_wh`` is the size of the photo.
        labels: Ground truth with the class ids of the model; None if the photo came without labels.
    """

    photo: Photo
    sha256: str
    prediction: Prediction
    labels: Annotations | None = None
