"""Calibration of scores inside a torch graph; ``ScoreFunction`` does the same in numpy."""

import torch
from torch import Tensor, nn

from autodet.records import ScoreFunction
from autodet.records.calibration import MAX_RAW, MIN_RAW


class CalibratedScores(nn.Module):
    """A calibration as a module; its tensors become constants of an exported graph."""

    rows: Tensor
    intercepts: Tensor
    slopes: Tensor
    knots: Tensor
    bends: Tensor

    def __init__(self, function: ScoreFunction) -> None:
        super().__init__()
        self.register_buffer("rows", torch.from_numpy(function.rows))
        for name in ("intercepts", "slopes", "knots", "bends"):
            self.register_buffer(name, torch.from_numpy(getattr(function, name)).float())

    def forward(self, boxes: Tensor, class_ids: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return a photo's detections with calibrated scores, best first.

        Args:
            boxes: Shape (N, 4).
            class_ids: Class ids, int64, shape (N,).
            scores: Scores of the network, 0 to 1, shape (N,).
        """
        row = self.rows[class_ids]
        logit = scores.clamp(min=MIN_RAW).log() - (1 - scores).clamp(min=1 - MAX_RAW).log()
        bent = (self.bends[row] * (logit[:, None] - self.knots[row]).relu()).sum(1)
        calibrated = (self.intercepts[row] + self.slopes[row] * logit + bent).sigmoid()
        calibrated, order = calibrated.sort(descending=True)
        return boxes[order], class_ids[order], calibrated
