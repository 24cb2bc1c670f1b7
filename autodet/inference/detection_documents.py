"""Detections as JSON documents, equal on the command line and in the HTTP API."""

from collections.abc import Sequence
from typing import Any

from autodet.records import Prediction


def detection_documents(prediction: Prediction, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return a dict with the keys ``class_id, class, score, box`` for each detection, the highest score first.

    Args:
        prediction: The detections to list.
        classes: Class names by class id.

    Returns:
        ``box`` is xyxy in pixels of the photo, rounded to two digits; scores have four.
    """
    return [
        {
            "class_id": class_id,
            "class": classes[class_id],
            "score": round(score, 4),
            "box": [round(side, 2) for side in box],
        }
        for class_id, score, box in zip(
            prediction.class_ids.tolist(), prediction.scores.tolist(), prediction.boxes_xyxy.tolist(), strict=True
        )
    ]
