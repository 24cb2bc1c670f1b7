import copy

import pytest
import torch
from torch import nn
from torchvision.models.detection.roi_heads import RoIHeads

from autodet.training.cpu_data_parallel import Replicas, ahead


class Network(nn.Module):
    """Of many marks it learns from a few, drawn by chance."""

    def __init__(self):
        super().__init__()
        self.layer, self.unused = nn.Linear(3, 4), nn.Linear(2, 2)
        parts = dict.fromkeys(("box_roi_pool", "box_head", "box_predictor", "bbox_reg_weights"))
        self.heads = RoIHeads(
            **parts,
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=8,
            positive_fraction=0.25,
            score_thresh=0.05,
            nms_thresh=0.5,
            detections_per_img=100,
        )
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, photos, targets):
        self.seen += len(photos)
        objects, background = self.heads.fg_bg_sampler([target["labels"] for target in targets])
        self.drawn = [torch.stack(pair) for pair in zip(objects, background, strict=True)]
        return self.layer(photos).square().sum()


def learn(network, photos, targets):
    loss = network(photos, targets)
    loss.backward()
    return loss.detach()


def part(first):
    photos = torch.arange(6.0).view(2, 3) + first
    return photos, [{"labels": torch.tensor([1] * marks + [0] * 10 + [-1] * 5)} for marks in (1, 20)]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network()


@pytest.fixture
def replicas(network):
    replicas = Replicas(network, 2, threads=2)
    replicas.begin_epoch(seed=1, epoch=1)
    return replicas


def test_gradients_of_all_parts_are_added_up_where_the_optimizer_looks(network, replicas):
    whole = copy.deepcopy(network)
    losses = replicas.learn(learn, [part(0), part(1)])
    torch.testing.assert_close(losses, [learn(whole, *part(0)), learn(whole, *part(1))])
    torch.testing.assert_close(network.layer.weight.grad, whole.layer.weight.grad)
    assert network.unused.weight.grad is None
    (loss,) = replicas.learn(learn, [part(0)])  # as an epoch's last batch may be
    assert loss == losses[0]
    assert not torch.equal(network.layer.weight.grad, whole.layer.weight.grad)


@pytest.mark.trains
def test_what_the_optimizer_changes_is_changed_for_all_but_nothing_else_is_shared(network, replicas):
    before = replicas.learn(learn, [part(0), part(0)])
    assert before[0] == before[1]
    torch.optim.SGD(network.parameters(), 0.01).step()
    after = replicas.learn(learn, [part(0), part(0)])
    assert after[0] == after[1] != before[0]
    assert network.seen == 0
    assert [replica.seen for replica in replicas.replicas] == [4, 4]


def test_what_is_drawn_depends_on_the_epoch_and_the_replica_alone(network, replicas):
    def drawn():
        replicas.learn(learn, [part(0), part(0)])
        return [[photo.tolist() for photo in replica.drawn] for replica in replicas.replicas]

    first, second = drawn(), drawn()
    for few, many in first:
        assert [sum(marks) for marks in few] == [1, 7]  # objects, background
        assert [sum(marks) for marks in many] == [2, 6]
        assert few[0][0] == 1
        assert not any(few[1][0:1] + few[1][11:])
    assert first[0] != first[1]
    assert first != second
    torch.manual_seed(99)
    replicas.begin_epoch(seed=1, epoch=1)
    assert drawn() == first
    replicas.begin_epoch(seed=1, epoch=2)
    assert drawn() not in (first, second)


def test_items_are_used_with_a_replica_each_and_come_back_in_order(replicas):
    used = list(replicas.each(lambda network, item: (item, replicas.replicas.index(network)), "abcde"))
    assert used == [("a", 0), ("b", 1), ("c", 0), ("d", 1), ("e", 0)]


def test_a_part_that_fails_says_so(replicas):
    def fail(network, photos, targets):
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        replicas.learn(fail, [part(0), part(1)])


def test_items_are_made_ready_in_order_and_one_ahead():
    made = []

    def items():
        for number in range(3):
            made.append(number)
            yield number
        raise OSError("the fourth is missing")

    taken = ahead(items())
    assert next(taken) == 0
    assert next(taken) == 1
    assert next(taken) == 2
    assert made == [0, 1, 2]
    with pytest.raises(OSError, match="fourth"):
        next(taken)
    assert list(ahead([])) == []
