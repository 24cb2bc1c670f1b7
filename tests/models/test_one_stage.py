import pytest
import torch

from autodet.models.dense_cells import assign, best_detections
from autodet.models.registry import build_network

STRIDE = 8
POINTS = torch.stack(torch.meshgrid(torch.arange(4, 64, 8.0), torch.arange(4, 64, 8.0), indexing="xy"), -1).view(-1, 2)
STRIDES = torch.full((len(POINTS), 1), float(STRIDE))
GUESSES = torch.cat((POINTS - 12, POINTS + 12), 1)  # every cell guesses the same square around it


def assigned(objects, labels=(0, 0), scores=None):
    scores = torch.full((len(POINTS), 2), 0.01) if scores is None else scores
    objects = torch.tensor(objects, dtype=torch.float32).view(-1, 4)
    return assign(scores, GUESSES, POINTS, STRIDES, objects, torch.tensor(labels[: len(objects)], dtype=torch.int64))


def test_cells_in_the_middle_of_an_object_learn_it_best():
    weight, owner = assigned([[12, 12, 44, 44]])
    assert POINTS[weight.argmax()].tolist() in ([28.0, 28.0], [20.0, 20.0], [28.0, 20.0], [20.0, 28.0])
    inside = ((POINTS > 12) & (POINTS < 44)).all(1)
    assert not weight[~inside].any()
    assert 0 < float(weight.max()) <= 1
    assert set(owner[weight > 0].tolist()) == {0}


def test_an_object_smaller_than_a_cell_is_learnt_all_the_same():
    weight, _ = assigned([[7, 7, 9, 9]])  # between four centres
    assert weight.any()
    assert (POINTS[weight > 0] - 8).abs().max() <= STRIDE / 2


def test_neighbours_do_not_share_cells():
    weight, owner = assigned([[0, 0, 32, 32], [24, 24, 60, 60]])
    for number, box in enumerate(([0, 0, 32, 32], [24, 24, 60, 60])):
        cells = POINTS[(weight > 0) & (owner == number)]
        assert len(cells) > 1
        assert ((cells > box[0]) & (cells < box[2])).all()


def test_of_cells_that_fit_alike_the_one_that_names_the_class_learns_more():
    scores = torch.full((len(POINTS), 2), 0.01)
    named = int(((POINTS - 20).abs().sum(1)).argmin())
    scores[named, 1] = 0.9
    weight, _ = assigned([[8, 8, 48, 48]], labels=(1,), scores=scores)
    assert int(weight.argmax()) == named


def test_a_photo_without_objects_teaches_that_there_is_nothing():
    network = build_network("onestage_efficientnet_lite0", class_count=2, pretrained=False).train()
    squares = torch.randint(0, 255, (1, 3, 64, 64), dtype=torch.uint8)
    losses = network(squares, [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}])
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert losses["loss_box"].item() == losses["loss_class"].item() == 0.0
    assert network.head.objectness.bias.grad.item() > 0


@pytest.mark.trains
def test_it_learns_to_find_and_name_what_it_is_shown():
    torch.manual_seed(0)
    network = build_network("onestage_efficientnet_lite0", class_count=2, pretrained=True).train()
    squares = torch.full((2, 3, 128, 128), 114, dtype=torch.uint8)
    squares[0, 0, 20:70, 30:90] = 255
    squares[1, 2, 50:110, 40:100] = 255
    boxes = [torch.tensor([[30.0, 20.0, 90.0, 70.0]]), torch.tensor([[40.0, 50.0, 100.0, 110.0]])]
    targets = [{"boxes": box, "labels": torch.tensor([label])} for label, box in enumerate(boxes)]
    optimizer = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], lr=5e-4)
    for _ in range(40):
        optimizer.zero_grad()
        sum(network(squares, targets).values()).backward()
        optimizer.step()
    with torch.inference_mode():
        found = network.eval()(squares)
    for label, (box, seen) in enumerate(zip(boxes, found, strict=True)):
        assert seen["labels"][0] == label
        assert (seen["boxes"][0] - box[0]).abs().max() < 10


def test_every_object_is_found_where_many_cells_find_each():
    corners = torch.cartesian_prod(torch.arange(10), torch.arange(10)).float() * 40
    objects = torch.cat((corners, corners + 30), 1)
    boxes = objects.repeat_interleave(10, 0)  # the cells of an object agree on it
    scores = torch.linspace(0.9, 0.5, len(boxes))[:, None]
    found = best_detections(scores, boxes, (400, 400))
    assert sorted(found["boxes"].tolist()) == objects.tolist()
