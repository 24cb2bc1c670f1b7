"""What a device computes with: mixed precision on GPUs that have it, plain float32 elsewhere."""

from contextlib import AbstractContextManager, nullcontext

import torch


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Mixed precision for the forward pass: bfloat16 where the GPU has it, else float16; nothing on a CPU."""
    if device.type != "cuda":
        return nullcontext()
    return torch.autocast("cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16)


def gradient_scaler(device: torch.device) -> torch.amp.GradScaler:
    """Keeps float16 gradients from vanishing; does nothing where no float16 is used."""
    enabled = device.type == "cuda" and not torch.cuda.is_bf16_supported()
    return torch.amp.GradScaler(device.type, enabled=enabled)
