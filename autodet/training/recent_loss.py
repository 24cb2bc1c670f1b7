"""The loss of the last batches, which a search shows while an epoch runs."""

import time

from torch import Tensor

LOSS_SECONDS = 1.0  # minimum interval between readings of the loss within an epoch


class RecentLoss:
    """Mean loss of the batches of the last second; read once a second, because reading waits for a GPU."""

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._batches, self._read = 0, time.monotonic()
        self._mean: float | None = None

    def after(self, loss: Tensor) -> float | None:
        """Return the mean after one more batch, a scalar; None in the first second."""
        self._sum = loss if self._sum is None else self._sum + loss
        self._batches += 1
        if (now := time.monotonic()) - self._read >= LOSS_SECONDS:
            self._mean = float(self._sum) / self._batches
            self._sum, self._batches, self._read = None, 0, now
        return self._mean
