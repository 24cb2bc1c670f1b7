import torch
from efficientnet_lite_pytorch import EfficientNet

from autodet.models.efficientnet_lite import FEATURE_BLOCKS, EfficientNetLite0, fold_imagenet_weights
from autodet.models.weights import load_imagenet_weights


def test_folded_backbone_computes_what_the_published_network_does():
    published = load_imagenet_weights()
    reference = EfficientNet.from_name("efficientnet-lite0")
    reference.load_state_dict(published)
    reference.eval()
    outputs = {}
    for index in FEATURE_BLOCKS:
        reference._blocks[index].register_forward_hook(lambda _m, _i, out, index=index: outputs.update({index: out}))
    folded = EfficientNetLite0()
    folded.load_state_dict(fold_imagenet_weights(published))

    # The reference pads for its own size only.
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        reference(images)
        features = folded(images)

    for feature, (index, channels) in zip(features.values(), FEATURE_BLOCKS.items(), strict=True):
        assert feature.shape[1] == channels
        torch.testing.assert_close(feature, outputs[index], rtol=1e-3, atol=1e-3)


def test_frozen_blocks_do_not_learn_and_the_others_do():
    backbone = EfficientNetLite0(frozen_blocks=3)
    sum(feature.mean() for feature in backbone(torch.rand(1, 3, 64, 64)).values()).backward()
    assert backbone.stem.weight.grad is None
    assert all(parameter.grad is None for parameter in backbone.blocks[2].parameters())
    assert all(parameter.grad is not None for parameter in backbone.blocks[3].parameters())
