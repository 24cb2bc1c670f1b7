"""Fast float32 matrix products for inference on CPUs.

Torch runs them in MKL, and also 1 x 1 convolutions if it has one thread and few photos. On an AMD processor MKL took
twice as long as oneDNN, which runs all other convolutions; the two wide layers of a head took half of the prediction
time.
"""

import torch
from torch import Tensor, nn


class QuickLinear(nn.Linear):
    """``nn.Linear`` that runs as a 1 x 1 convolution for float32 rows on a CPU in inference."""

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows, shape (N, inputs), to shape (N, outputs)."""
        if not (rows.ndim == 2 and is_plain(rows, self.weight)):
            return super().forward(rows)
        line = rows[None, :, None].permute(0, 3, 1, 2)  # one photo of N x 1 pixels
        product = convolve_pixels(line, self.weight[:, :, None, None], self.bias)
        return product.permute(0, 2, 3, 1)[0, :, 0]


def convolve_pixels(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Run a 1 x 1 convolution in oneDNN: features (B, C, H, W), weight (outputs, C, 1, 1)."""
    convolved: Tensor = torch.mkldnn_convolution(features, weight, bias, [0, 0], [1, 1], [1, 1], 1)
    return convolved


def is_plain(features: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN can take over: float32 on a CPU, no gradient, no autocast, no tracing, no compilation."""
    return (
        features.device.type == "cpu"
        and features.dtype == weight.dtype == torch.float32
        and features.numel() > 0
        and not (torch.is_grad_enabled() and (features.requires_grad or weight.requires_grad))
        and not torch.is_autocast_enabled("cpu")
        and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        and not torch.compiler.is_compiling()
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    )
