"""Numeric precision and data loading per device.

A CPU uses mixed precision if it has bfloat16 instructions, and plain float32 otherwise. An NVIDIA GPU uses mixed
precision (bfloat16 from Ampere on, float16 with loss scaling before), TensorFloat-32 for the remaining float32
operations, and cuDNN autotuning for squares of one size. Worker processes prepare batches in pinned memory, and the
batches are copied while the GPU computes.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from autodet.settings import load_settings
from autodet.training.device import computes_bfloat16
from autodet.training.malloc_tuning import keep_freed_memory

MAX_LOADERS = 4
# With torch's default of 2**16 the first three steps of a detector had no finite gradients and were skipped.
FIRST_SCALE = 2.0**12


@dataclass(frozen=True)
class DeviceTraits:
    """Training settings for a device.

    Attributes:
        device: The device.
        dtype: Data type of mixed precision in the forward pass; None for float32 throughout.
        pinned: Whether tensors are copied to the device from pinned memory, asynchronously.
        loaders: Number of processes that prepare batches; 0 to do so in this process.
        cores: Number of CPU cores that each take a part of a batch; 1 if the device takes the whole batch.
        compiled: Whether the backbone is compiled first, which takes from half a minute to minutes.
    """

    device: torch.device
    dtype: torch.dtype | None = None
    pinned: bool = False
    loaders: int = 0
    cores: int = 1
    compiled: bool = False

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context of mixed precision for the forward pass."""
        if self.dtype is None:
            return nullcontext()
        # The cache of cast weights is shared by threads, and cleared when any of them ends its pass: nondeterministic.
        return torch.autocast(self.device.type, self.dtype, cache_enabled=self.cores == 1)

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """Create a scaler that keeps float16 gradients from vanishing; disabled without float16."""
        return torch.amp.GradScaler(self.device.type, FIRST_SCALE, enabled=self.dtype == torch.float16)

    def move(self, tensor: Tensor) -> Tensor:
        """Move a tensor to the device; the copy may be asynchronous, and operations on the device wait for it."""
        return (tensor.pin_memory() if self.pinned else tensor).to(self.device, non_blocking=self.pinned)


def traits_of(device: torch.device, threads: int = 0) -> DeviceTraits:
    """Return the training settings for a device.

    Args:
        device: A CPU, or the current GPU of this process.
        threads: Number of CPU cores for the trial; 0 for no limit.
    """
    compiled = load_settings().compile_backbone
    if device.type != "cuda":
        cores = 1 if compiled else threads or torch.get_num_threads()
        return DeviceTraits(device, torch.bfloat16 if computes_bfloat16() else None, cores=cores, compiled=compiled)
    # Older GPUs emulate bfloat16, which is slow.
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    loaders = min(MAX_LOADERS, threads or MAX_LOADERS)
    return DeviceTraits(device, dtype, pinned=True, loaders=loaders, compiled=compiled)


def prepare(device: torch.device) -> None:
    """Apply process-wide settings; results on a CPU stay identical bit for bit."""
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # all squares of a trial have one size
        torch.set_float32_matmul_precision("high")
