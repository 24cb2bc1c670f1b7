import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from autodet.models.efficientnet_lite import LITE_SIZES, EfficientNetLite, fold_imagenet_weights
from autodet.models.registry import find_architecture
from autodet.models.weights import load_weights

SIDE = 224  # the reference pads for one size only


@pytest.mark.parametrize("size", LITE_SIZES)
@pytest.mark.slow
def test_folded_backbone_computes_what_the_published_network_does(size):
    published = load_weights(find_architecture(f"fasterrcnn_efficientnet_{size}").weights)
    reference = EfficientNet.from_name(f"efficientnet-{size}", image_size=SIDE)
    reference.load_state_dict(published)
    reference.eval()
    folded = EfficientNetLite(LITE_SIZES[size])
    folded.load_state_dict(fold_imagenet_weights(published))
    outputs = {}
    for index in folded.feature_blocks:
        reference._blocks[index].register_forward_hook(lambda _m, _i, out, index=index: outputs.update({index: out}))

    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        reference(images)
        features = folded(images)

    for feature, stride, (index, channels) in zip(
        features.values(), (8, 16, 32), folded.feature_blocks.items(), strict=True
    ):
        assert feature.shape[1:] == (channels, SIDE // stride, SIDE // stride)
        torch.testing.assert_close(feature, outputs[index], rtol=1e-3, atol=1e-3)


def test_frozen_blocks_do_not_learn_and_the_others_do():
    backbone = EfficientNetLite(LITE_SIZES["lite0"])
    sum(feature.mean() for feature in backbone(torch.rand(1, 3, 64, 64)).values()).backward()
    assert backbone.stem.weight.grad is None
    assert all(parameter.grad is None for parameter in backbone.blocks[2].parameters())
    assert all(parameter.grad is not None for parameter in backbone.blocks[3].parameters())
