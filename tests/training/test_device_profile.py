"""What training does on devices that are not here, as far as a CPU can do it."""

from contextlib import nullcontext

import pytest
import torch

from autodet.models.registry import build_network
from autodet.training.device_profile import DeviceTraits, prepare, traits_of

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
SETTINGS = (
    lambda: torch.backends.cudnn.benchmark,
    torch.get_float32_matmul_precision,
)


@pytest.fixture
def restored():
    benchmark, precision = (setting() for setting in SETTINGS)
    yield
    torch.backends.cudnn.benchmark = benchmark
    torch.set_float32_matmul_precision(precision)


def test_a_cpu_that_multiplies_bfloat16_takes_mixed_precision(monkeypatch):
    monkeypatch.setattr("autodet.training.device_profile.computes_bfloat16", lambda: True)
    wants = traits_of(CPU, threads=8)
    assert wants == DeviceTraits(CPU, torch.bfloat16, cores=8)
    assert not wants.gradient_scaler().is_enabled()


def test_another_cpu_takes_everything_as_it_is(restored, monkeypatch):
    monkeypatch.setattr("autodet.training.device_profile.computes_bfloat16", lambda: False)
    plain = traits_of(CPU, threads=8)
    assert plain == DeviceTraits(CPU, cores=8)
    assert isinstance(plain.autocast(), nullcontext)
    assert not plain.gradient_scaler().is_enabled()
    tensor = torch.ones(3)
    assert plain.move(tensor) is tensor
    before = [setting() for setting in SETTINGS]
    prepare(CPU)
    assert [setting() for setting in SETTINGS] == before


@pytest.mark.parametrize(("bfloat16", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
@pytest.mark.parametrize(("threads", "loaders"), [(0, 4), (1, 1), (3, 3), (64, 4)])
def test_a_gpu_takes_mixed_precision_of_a_kind_that_it_really_has(monkeypatch, bfloat16, dtype, threads, loaders):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or bfloat16
    )
    wants = traits_of(CUDA, threads)
    assert wants == DeviceTraits(CUDA, dtype, pinned=True, loaders=loaders)


def test_a_gpu_is_prepared_for_squares_of_one_size(restored):
    prepare(CUDA)
    assert [setting() for setting in SETTINGS] == [True, "high"]


@pytest.mark.parametrize(("dtype", "scaled"), [(torch.bfloat16, False), (torch.float16, True)])
def test_the_forward_pass_computes_in_the_type_that_is_wanted(dtype, scaled):
    wants = DeviceTraits(CPU, dtype)
    weights = torch.ones(4, 4)
    with wants.autocast():
        assert (weights @ weights).dtype == dtype
    assert wants.gradient_scaler().is_enabled() == scaled


class Recorded(torch.Tensor):
    """A tensor that says how it was copied."""

    def pin_memory(self, *arguments):
        self.pinned = True
        return self

    def to(self, device, non_blocking=False):
        return device, getattr(self, "pinned", False), non_blocking


def test_what_lies_in_pinned_memory_is_copied_without_waiting():
    tensor = torch.ones(2).as_subclass(Recorded)
    assert DeviceTraits(CUDA).move(tensor) == (CUDA, False, False)
    assert DeviceTraits(CUDA, pinned=True).move(tensor) == (CUDA, True, True)


def test_squares_are_copied_as_bytes_and_the_pyramid_has_its_levels_whatever_the_device():
    """On torch's device without memory, which has shapes only."""
    meta = torch.device("meta")
    network = build_network("fasterrcnn_efficientnet_lite0", 3, pretrained=False)
    network = network.to(meta).to(memory_format=torch.channels_last)
    images = DeviceTraits(meta).move(torch.zeros(2, 3, 320, 320, dtype=torch.uint8))
    assert (images.device.type, images.dtype) == ("meta", torch.uint8)
    normalised, _ = network.transform(images)
    assert normalised.tensors.is_contiguous(memory_format=torch.channels_last)
    levels = network.backbone(normalised.tensors)
    assert [tuple(level.shape[2:]) for level in levels.values()] == [(40, 40), (20, 20), (10, 10), (5, 5)]
