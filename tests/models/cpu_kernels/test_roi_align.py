import torch
from torchvision.ops import MultiScaleRoIAlign

from autodet.models.cpu_kernels.roi_align import QuickRoIAlign

LEVELS, SIDE = ["0", "1", "2"], 512
SIZES = [(SIDE, SIDE)] * 3


def maps():
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 5, SIDE // stride, SIDE // stride) for stride in (8, 16, 32)]
    return {
        name: torch.randn(shape, generator=generator).contiguous(memory_format=torch.channels_last)
        for name, shape in zip(LEVELS, shapes, strict=True)
    }


def boxes():
    """Boxes of every size, some of them over the edge, thin, or without any area; one photo has none."""
    generator = torch.Generator().manual_seed(1)
    corners = torch.rand((40, 2), generator=generator) * SIDE
    sides = torch.rand((40, 2), generator=generator) * 1.2 * SIDE
    odd = torch.tensor([[-9.0, -9.0, 600.0, 600.0], [5.0, 5.0, 5.0, 90.0], [511.9, 511.9, 512.0, 512.0]])
    return [torch.cat([torch.cat([corners, corners + sides], dim=1), odd]), torch.zeros((0, 4)), corners.repeat(1, 2)]


def gradients(pooling, levels):
    levels = {name: level.detach().requires_grad_() for name, level in levels.items()}
    pooled = pooling.train()(levels, boxes(), SIZES)
    weights = torch.randn(pooled.shape, generator=torch.Generator().manual_seed(2)).to(pooled.dtype)
    found = torch.autograd.grad((pooled * weights).sum(), list(levels.values()), allow_unused=True)
    return pooled, [torch.zeros(1) if one is None else one for one in found]


def test_it_cuts_out_what_torchvision_does_and_hands_the_same_gradients_back():
    (ours, our_gradients), (theirs, their_gradients) = (
        gradients(kind(LEVELS, 7, 2), maps()) for kind in (QuickRoIAlign, MultiScaleRoIAlign)
    )
    assert torch.equal(ours, theirs)
    for our, their in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(our, their.expand_as(our), rtol=1e-4, atol=1e-4)
    assert sum(bool(our.any()) for our in our_gradients) >= 3


def test_in_bfloat16_it_is_as_close_to_torchvision_as_that_type_can_be():
    rounded = {name: level.detach().bfloat16() for name, level in maps().items()}
    ours, our_gradients = gradients(QuickRoIAlign(LEVELS, 7, 2), rounded)
    theirs, their_gradients = gradients(
        MultiScaleRoIAlign(LEVELS, 7, 2), {name: level.float() for name, level in rounded.items()}
    )
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.float(), theirs, rtol=2**-6, atol=2**-6)
    for our, their in zip(our_gradients, their_gradients, strict=True):
        largest = float(their.abs().max())
        torch.testing.assert_close(our.float(), their.expand_as(our), rtol=2**-5, atol=2**-6 * largest)
    assert sum(bool(our.any()) for our in our_gradients) >= 3


def test_outside_training_it_is_torchvisions():
    pooling, levels = QuickRoIAlign(LEVELS, 7, 2).eval(), maps()
    assert torch.equal(pooling(levels, boxes(), SIZES), MultiScaleRoIAlign(LEVELS, 7, 2)(levels, boxes(), SIZES))
