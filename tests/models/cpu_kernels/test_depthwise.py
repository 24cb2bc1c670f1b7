import copy

import pytest
import torch
from torch import nn

from autodet.models.cpu_kernels.depthwise import QuickConv2d, quicken
from autodet.models.registry import build_network

CHANNELS = 6
SHAPES = [(3, 1, 1, 10), (5, 1, 2, 11), (7, 1, 3, 9), (3, 2, 0, 21), (5, 2, 0, 23), (5, 2, 2, 20), (5, 3, 1, 16)]


def learnt(convolution, dtype=None, side=10):
    """What a convolution makes of some features, and its gradients."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, CHANNELS, side, side, generator=generator).contiguous(memory_format=torch.channels_last)
    features.requires_grad_()
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        convolved = convolution(features)
    weights = torch.randn(convolved.shape, generator=generator)
    (convolved.float() * weights).sum().backward()
    return [convolved.float(), features.grad, *(parameter.grad for parameter in convolution.parameters())]


@pytest.mark.parametrize(("kernel", "stride", "padding", "side"), SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(None, 1e-5), (torch.bfloat16, 2e-2)])
def test_it_convolves_as_torch_does_and_hands_the_same_gradients_back(kernel, stride, padding, side, dtype, tolerance):
    torch.manual_seed(0)
    ours = QuickConv2d(CHANNELS, CHANNELS, kernel, stride, padding, groups=CHANNELS)
    theirs = nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, groups=CHANNELS)
    theirs.load_state_dict(ours.state_dict())
    for our, their in zip(learnt(ours, dtype, side), learnt(theirs, None, side), strict=True):
        assert our.dtype == torch.float32
        torch.testing.assert_close(our, their, rtol=tolerance, atol=tolerance * float(their.detach().abs().max()))


@pytest.mark.parametrize(
    "shape", [{"groups": 1}, {"groups": 2}, {"groups": CHANNELS, "dilation": 2}, {"groups": CHANNELS, "bias": False}]
)
def test_what_it_knows_no_quick_way_for_is_left_to_torch(shape):
    ours = QuickConv2d(CHANNELS, CHANNELS, 3, padding=1, **shape)
    theirs = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, **shape)
    theirs.load_state_dict(ours.state_dict())
    for our, their in zip(learnt(ours), learnt(theirs), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-5, atol=1e-5)


def test_layers_that_do_not_learn_have_no_gradient():
    frozen = QuickConv2d(CHANNELS, CHANNELS, 5, padding=2, groups=CHANNELS).requires_grad_(False)
    features = torch.randn(1, CHANNELS, 8, 8)
    assert not frozen(features).requires_grad
    assert frozen(features.requires_grad_()).requires_grad
    frozen(features).sum().backward()
    assert features.grad is not None
    assert frozen.weight.grad is None


def test_a_network_is_quickened_in_place():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 4, 5, padding=2, groups=4)))
    images, before = torch.randn(1, 3, 8, 8), copy.deepcopy(network)
    quicken(network)
    assert all(type(layer) is QuickConv2d for layer in (network[0], network[1][0]))
    assert torch.equal(network(images), before(images))


@pytest.mark.parametrize("name", ["fasterrcnn_efficientnet_lite0", "ssdlite320_mobilenet_v3_large"])
def test_networks_for_cpus_have_no_other_depthwise_convolutions(name):
    layers = [layer for layer in build_network(name, 2, pretrained=False).modules() if isinstance(layer, nn.Conv2d)]
    depthwise = [layer for layer in layers if layer.groups > 1]
    assert depthwise
    assert all(isinstance(layer, QuickConv2d) for layer in depthwise)
