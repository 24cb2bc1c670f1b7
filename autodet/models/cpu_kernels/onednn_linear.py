"""Products of float32 matrices that a CPU does quickly when it predicts.

Torch leaves them to MKL, and convolutions of 1 x 1 as well where it has one thread and few photos. On an AMD processor
that took twice as long as oneDNN does, which takes care of all other convolutions; a head's two wide layers were half
of a prediction.
"""

import torch
from torch import Tensor, nn


class QuickLinear(nn.Linear):
    """``nn.Linear``; of rows of float32 on a CPU that does not learn, as a convolution of 1 x 1."""

    def forward(self, rows: Tensor) -> Tensor:
        """Multiply rows, shape (N, inputs), to (N, outputs)."""
        if not (rows.ndim == 2 and is_plain(rows, self.weight)):
            return super().forward(rows)
        line = rows[None, :, None].permute(0, 3, 1, 2)  # one photo of N x 1 pixels
        product = convolve_pixels(line, self.weight[:, :, None, None], self.bias)
        return product.permute(0, 2, 3, 1)[0, :, 0]


def convolve_pixels(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A convolution of 1 x 1 by the library for convolutions: features (B, C, H, W), weight (outputs, C, 1, 1)."""
    convolved: Tensor = torch.mkldnn_convolution(features, weight, bias, [0, 0], [1, 1], [1, 1], 1)
    return convolved


def is_plain(features: Tensor, weight: Tensor) -> bool:
    """Whether float32 is to be multiplied on a CPU, and nobody wants a gradient or writes down what is done."""
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
