import pytest
import torch
from torch import nn

from autodet.models.cpu_kernels.depthwise import quicken
from autodet.models.registry import build_network


@pytest.fixture
def layers():
    torch.manual_seed(0)
    return nn.Linear(40, 30), nn.Conv2d(40, 30, 1), torch.randn(7, 40), torch.randn(2, 40, 5, 6)


@pytest.mark.parametrize("biased", [True, False])
def test_a_prediction_multiplies_as_torch_does(layers, biased):
    linear, convolution, rows, photos = layers
    if not biased:
        linear.bias = convolution.bias = None
    with torch.inference_mode():
        expected = [linear(rows), convolution(photos), linear(rows[:0]), linear(photos.transpose(1, 3))]
        quicken(network := nn.ModuleList([linear, convolution]))
        linear, convolution = network
        assert type(linear) is not nn.Linear
        found = [linear(rows), convolution(photos), linear(rows[:0]), linear(photos.transpose(1, 3))]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_what_learns_has_its_gradients(layers):
    linear, _, rows, _ = layers
    linear(rows).square().sum().backward()
    expected = linear.weight.grad
    quicken(nn.ModuleList([linear]))
    linear.weight.grad = None
    linear(rows).square().sum().backward()
    assert torch.equal(linear.weight.grad, expected)


def test_a_prediction_asks_mkl_for_nothing_large():
    """Where torch has one thread it would: for the head's layers and every convolution of 1 x 1."""
    network = build_network("fasterrcnn_efficientnet_lite0", 3, pretrained=False).eval()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), torch.profiler.profile(record_shapes=True) as measured:
            network(torch.zeros(1, 3, 320, 320, dtype=torch.uint8))
    finally:
        torch.set_num_threads(threads)
    events = measured.key_averages(group_by_input_shape=True)
    assert any(event.key == "aten::mkldnn_convolution" for event in events)
    assert not any(event.key == "aten::addmm" for event in events)
    slow = [event.input_shapes[1] for event in events if event.key == "aten::_slow_conv2d_forward"]
    assert not any(weight[2:] == [1, 1] for weight in slow)
