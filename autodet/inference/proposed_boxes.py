"""A prediction as boxes that a model proposes for a photo."""

from collections.abc import Sequence

from autodet.records import DraftBox, Prediction

MAX_BOXES = 300  # of one photo; the best
MIN_SIDE = 1.0  # pixels
DECIMALS, SCORE_DECIMALS = 2, 4


def proposed_boxes(prediction: Prediction, classes: Sequence[str]) -> tuple[DraftBox, ...]:
    """Return the detections of a prediction as proposals within the photo, the best first.

    Args:
        prediction: The detections; ``size_wh`` is the size of the photo.
        classes: The model's classes.
    """
    width, height = prediction.size_wh
    rows = zip(
        prediction.boxes_xyxy.astype(float).tolist(),
        prediction.class_ids.tolist(),
        prediction.scores.astype(float).tolist(),
        strict=True,
    )
    boxes = []
    for (x1, y1, x2, y2), class_id, score in rows:
        left, right = max(0.0, round(x1, DECIMALS)), min(float(width), round(x2, DECIMALS))
        top, bottom = max(0.0, round(y1, DECIMALS)), min(float(height), round(y2, DECIMALS))
        if right - left >= MIN_SIDE and bottom - top >= MIN_SIDE:
            boxes.append(DraftBox(classes[class_id], (left, top, right, bottom), score=round(score, SCORE_DECIMALS)))
    return tuple(boxes[:MAX_BOXES])
