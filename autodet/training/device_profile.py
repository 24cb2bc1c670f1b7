"""What a device computes with, and how data gets there.

A CPU takes mixed precision where it multiplies bfloat16 itself, and plain float32 otherwise. An NVIDIA GPU takes mixed
precision (bfloat16 from Ampere on, float16 with scaled losses before), TensorFloat-32 where float32 is left, the
fastest convolutions for squares of one size, and batches that processes of their own make ready in pinned memory and
that are copied while it computes.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from autodet.settings import load_settings
from autodet.training.device import computes_bfloat16
from autodet.training.malloc_tuning import keep_freed_memory

MAX_LOADERS = 4
# At torch's own 2**16 the first three steps of a detector had no finite gradients, and were skipped.
FIRST_SCALE = 2.0**12


@dataclass(frozen=True)
class DeviceTraits:
    """How to train on a device.

    Attributes:
        device: The device.
        dtype: What the forward pass computes in, where it may; None for float32 throughout.
        pinned: Whether what is copied to the device lies in pinned memory, so that nobody waits for the copy.
        loaders: Processes that make batches ready; 0 where this process does it.
        cores: CPU cores that each take a part of a batch; 1 where the device takes it as a whole.
        compiled: Whether the backbone is compiled first, which takes from half a minute to minutes.
    """

    device: torch.device
    dtype: torch.dtype | None = None
    pinned: bool = False
    loaders: int = 0
    cores: int = 1
    compiled: bool = False

    def autocast(self) -> AbstractContextManager[object]:
        """Mixed precision for the forward pass."""
        if self.dtype is None:
            return nullcontext()
        # Weights that were converted are kept for all threads, until any of them has ended its pass: by chance.
        return torch.autocast(self.device.type, self.dtype, cache_enabled=self.cores == 1)

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """Keeps float16 gradients from vanishing; does nothing where no float16 is used."""
        return torch.amp.GradScaler(self.device.type, FIRST_SCALE, enabled=self.dtype == torch.float16)

    def move(self, tensor: Tensor) -> Tensor:
        """A tensor on the device; the copy may still be under way, which whatever is computed there waits for."""
        return (tensor.pin_memory() if self.pinned else tensor).to(self.device, non_blocking=self.pinned)


def traits_of(device: torch.device, threads: int = 0) -> DeviceTraits:
    """What a device wants.

    Args:
        device: A CPU, or a GPU that this process has as its current one.
        threads: CPU cores that the trial may use; 0 for as many as it likes.
    """
    compiled = load_settings().compile_backbone
    if device.type != "cuda":
        cores = 1 if compiled else threads or torch.get_num_threads()
        return DeviceTraits(device, torch.bfloat16 if computes_bfloat16() else None, cores=cores, compiled=compiled)
    # Older GPUs only pretend to have bfloat16, and are slow at it.
    dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    loaders = min(MAX_LOADERS, threads or MAX_LOADERS)
    return DeviceTraits(device, dtype, pinned=True, loaders=loaders, compiled=compiled)


def prepare(device: torch.device) -> None:
    """Set what a process decides once; a CPU's figures stay as they are, bit for bit."""
    if device.type == "cpu":
        keep_freed_memory()
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # all squares of a trial have one size
        torch.set_float32_matmul_precision("high")
