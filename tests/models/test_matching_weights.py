import pytest
import torch
from torchvision.models import detection

from autodet.errors import ModelError
from autodet.models.matching_weights import match_classes, transplant
from autodet.models.registry import ARCHITECTURES, build_network

COCO = detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1.meta["categories"]
FASTER_RCNN = "fasterrcnn_efficientnet_lite0"
SCORE, BOX = "roi_heads.box_predictor.cls_score.weight", "roi_heads.box_predictor.bbox_pred.bias"


@pytest.mark.parametrize(
    ("source", "target", "kept", "fresh", "gone"),
    [
        (("a", "b"), ("a", "b"), {"a": "a", "b": "b"}, (), ()),
        (("a", "b"), ("b", "c"), {"b": "b"}, ("c",), ("a",)),
        ((" Apple", "pear"), ("apple ", "PEAR"), {"apple ": " Apple", "PEAR": "pear"}, (), ()),
        (("Apple", "apple"), ("apple",), {"apple": "apple"}, (), ("Apple",)),  # exactly first
        (("apple",), ("Apple", "apple"), {"apple": "apple"}, ("Apple",), ()),  # nobody twice
        (("APPLE", "Apple"), ("apple",), {}, ("apple",), ("APPLE", "Apple")),  # which of them?
        (("Straße",), ("STRASSE",), {"STRASSE": "Straße"}, (), ()),
        (("traffic light",), ("TrafficLight",), {"TrafficLight": "traffic light"}, (), ()),
        (("__background__", "N/A", "dog", "N/A"), ("N/A", "dog"), {"dog": "dog"}, ("N/A",), ()),
        (("a",), ("b",), {}, ("b",), ("a",)),
    ],
)
def test_classes_are_matched_by_name(source, target, kept, fresh, gone):
    matched = match_classes(source, target)
    assert (matched.kept, matched.fresh, matched.gone) == (kept, fresh, gone)


def a_network(classes, architecture=FASTER_RCNN, seed=0):
    torch.manual_seed(seed)
    return build_network(architecture, len(classes), pretrained=False)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.slow
def test_the_same_classes_give_the_same_network(architecture):
    source = a_network(("apple", "banana", "cherry"), architecture)
    same = a_network(("apple", "banana", "cherry"), architecture, seed=1)
    transplant(source.state_dict(), ("apple", "banana", "cherry"), same, ("apple", "banana", "cherry"))
    for name, tensor in source.state_dict().items():
        assert torch.equal(tensor, same.state_dict()[name])


def test_the_single_stage_names_the_same_classes_in_another_order():
    source, turned = (a_network(("apple", "banana", "cherry"), "onestage_efficientnet_lite0", seed) for seed in (0, 1))
    transplant(source.state_dict(), ("apple", "banana", "cherry"), turned, ("Cherry", "apple", "banana"))
    features = torch.rand(1, source.head.class_score.in_channels, 4, 4)
    named, turned_named = source.head.class_score(features), turned.head.class_score(features)
    torch.testing.assert_close(turned_named, named[:, [2, 0, 1]])
    torch.testing.assert_close(turned.head.objectness.weight, source.head.objectness.weight)


@pytest.mark.parametrize("architecture", [FASTER_RCNN, "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_classes_in_another_order_are_the_same_classes(architecture):
    source, turned = (a_network(("apple", "banana", "cherry"), architecture, seed) for seed in (0, 1))
    transplant(source.state_dict(), ("apple", "banana", "cherry"), turned, ("Cherry", "apple", "banana"))
    features = torch.rand(5, source.roi_heads.box_predictor.cls_score.in_features)
    scores, boxes = source.roi_heads.box_predictor(features)
    turned_scores, turned_boxes = turned.roi_heads.box_predictor(features)
    order = [0, 3, 1, 2]  # the background stays where it is
    torch.testing.assert_close(turned_scores, scores[:, order])
    torch.testing.assert_close(turned_boxes.view(5, 4, 4), boxes.view(5, 4, 4)[:, order])


def test_rows_of_known_classes_are_kept_new_ones_are_fresh_and_the_rest_goes():
    source, network = a_network(("apple", "banana")), a_network(("banana", "cherry", "date"), seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    weights = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    taken = transplant(weights, ("apple", "banana"), network, ("banana", "cherry", "date"))
    assert (taken.kept, taken.fresh, taken.gone) == ({"banana": "banana"}, ("cherry", "date"), ("apple",))
    after = network.state_dict()
    assert torch.equal(after[SCORE][:2], weights[SCORE][[0, 2]])  # the background and banana
    assert torch.equal(after[BOX][4:8], weights[BOX][8:12])
    for name, width in ((SCORE, 1), (BOX, 4)):
        assert torch.equal(after[name][2 * width :], before[name][2 * width :])
    assert torch.equal(after["backbone.body.stem.weight"], weights["backbone.body.stem.weight"])
    for name, tensor in source.state_dict().items():
        assert torch.equal(tensor, weights[name])  # the source is as it was


def test_coco_weights_give_their_rows_to_classes_of_everyday_names():
    torch.manual_seed(0)
    published = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=91)
    network = a_network(("Dog", "unicorn"), "fasterrcnn_mobilenet_v3_large_320_fpn", seed=1)
    taken = transplant(published.state_dict(), COCO, network, ("Dog", "unicorn"))
    assert (taken.kept, taken.fresh) == ({"Dog": "dog"}, ("unicorn",))
    assert "N/A" not in taken.gone
    state, source = network.state_dict(), published.state_dict()
    assert torch.equal(state[SCORE][:2], source[SCORE][[0, COCO.index("dog")]])
    assert torch.equal(state["rpn.head.cls_logits.weight"], source["rpn.head.cls_logits.weight"])


@pytest.mark.parametrize("builder", ["retinanet_resnet50_fpn", "fcos_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
@pytest.mark.parametrize("background", [True, False])
@pytest.mark.slow
def test_heads_with_anchors_answer_the_same_for_the_classes_that_they_know(builder, background):
    def built(classes, seed):
        torch.manual_seed(seed)
        network = getattr(detection, builder)(weights=None, weights_backbone=None, num_classes=classes)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        return network.eval()

    source, network = built(91, 0), built(2 + background, 1)
    taken = transplant(source.state_dict(), COCO, network, ("dog", "unicorn"))
    assert taken.kept == {"dog": "dog"}
    photo = torch.rand(1, 3, 96, 96)

    def logits(network):
        features = list(network.backbone(photo).values())
        return network.head(features)["cls_logits"]

    dog = int(background)
    torch.testing.assert_close(logits(network)[..., dog], logits(source)[..., COCO.index("dog")])
    if background:
        torch.testing.assert_close(logits(network)[..., 0], logits(source)[..., 0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("rpn.head.conv.0.0.bias"), "rpn.head.conv.0.0.bias is missing"),
        (lambda state: state.update(more=torch.zeros(2)), "more is not a part of it"),
        (lambda state: state.update({"rpn.head.conv.0.0.bias": torch.zeros(2)}), r"shape \(2,\) instead of \(64,\)"),
        (lambda state: state.pop(SCORE), "cls_score.weight is missing"),
        (lambda state: state.update({BOX: torch.zeros(7)}), "has 7 rows"),
        (lambda state: state.update({BOX: torch.zeros(20)}), "rows for 5 classes, which does not fit 2 names"),
    ],
)
@pytest.mark.slow
def test_what_does_not_fit_is_refused_and_changes_nothing(change, words):
    state, network = a_network(("apple", "banana")).state_dict(), a_network(("apple",), seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    change(state)
    with pytest.raises(ModelError, match=words):
        transplant(state, ("apple", "banana"), network, ("apple",))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_another_architecture_is_refused():
    one, other = "nanodet_g", "fasterrcnn_efficientnet_lite0"
    with pytest.raises(ModelError, match="do not fit"):
        transplant(a_network(("a",), one).state_dict(), ("a",), a_network(("a",), other), ("a",))
