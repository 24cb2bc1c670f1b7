import copy

import pytest
import torch

from autodet.models.registry import ARCHITECTURES, build_network

SIDE = 128
FEW = 30


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if "resnet50_fpn_v2" not in name])
@pytest.mark.slow
def test_boxes_keep_their_digits_in_mixed_precision(name):
    """A box of which bfloat16 cannot tell one side from the other is learnt from, and boxes are found in float32."""
    network = copy.deepcopy(build_network(name, class_count=2, pretrained=False))
    if proposals := getattr(network, "rpn", None):
        proposals._post_nms_top_n = {"training": FEW, "testing": FEW}  # CPUs without bfloat16 take seconds for hundreds
    boxes = torch.tensor([[100.1, 100.1, 100.2, 100.2], [10.0, 20.0, 90.0, 100.0]])
    squares = torch.randint(0, 255, (1, 3, SIDE, SIDE), dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        losses = network.train()(squares, [{"boxes": boxes, "labels": torch.tensor([0, 1])}])
        (seen,) = network.eval()(squares)
    sum(losses.values()).backward()
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in network.parameters())
    assert {seen["boxes"].dtype, seen["scores"].dtype} == {torch.float32}
