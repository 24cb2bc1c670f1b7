"""A head that looks twice: at each region as it was proposed, and again at where it has found the object to be.

A region that was proposed a little beside an object shows only a part of it, and the first look's box is a guess; the
second look sees all of it. As in a cascade (Cai and Vasconcelos, arXiv 1712.00726) both looks are trained, the second
on the boxes of the first, which have to be closer to count. But one and the same head does both, so that a network has
the same weights with it and without; and only what may be an object is looked at twice, which is a small part.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.ops import box_iou, clip_boxes_to_image

from autodet.models.cpu_kernels.roi_align import ROUND

CLOSE = 0.6  # IoU from which on a box of the first look is the object's; of a proposal 0.5 is enough
MIN_SIDE = 1.0  # in pixels; what the first look makes smaller than that is looked at again as it was proposed
Features = dict[str, Tensor]
Regions = list[Tensor]
Shapes = list[tuple[int, int]]
Targets = list[dict[str, Tensor]]


class TwoLooks(RoIHeads):  # type: ignore[misc]
    """torchvision's head of Faster R-CNN with a second look, whose boxes and scores are the answer."""

    def forward(
        self, features: Features, proposals: Regions, image_shapes: Shapes, targets: Targets | None = None
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """As ``RoIHeads.forward``; losses are the sums of those of both looks."""
        if self.training:
            return [], self._losses(features, proposals, image_shapes, targets or [])
        logits, deltas = self._look(features, proposals, image_shapes)
        regions = self._likely(logits, self._refine(logits, deltas, proposals, image_shapes))
        logits, deltas = self._look(features, regions, image_shapes)
        found = zip(*self.postprocess_detections(logits, deltas, regions, image_shapes), strict=True)
        return [{"boxes": boxes, "labels": labels, "scores": scores} for boxes, scores, labels in found], {}

    def _look(self, features: Features, regions: Regions, image_shapes: Shapes) -> tuple[Tensor, Tensor]:
        """Logits, shape (N, C), and box deltas, shape (N, 4 C), of the N regions of all photos; class 0 is nothing."""
        answer: tuple[Tensor, Tensor] = self.box_predictor(
            self.box_head(self.box_roi_pool(features, regions, image_shapes))
        )
        return answer

    def _losses(
        self, features: Features, proposals: Regions, image_shapes: Shapes, targets: Targets
    ) -> dict[str, Tensor]:
        regions, _, labels, wanted = self.select_training_samples(proposals, targets)
        logits, deltas = self._look(features, regions, image_shapes)
        first = fastrcnn_loss(logits, deltas, labels, wanted)
        regions = self._likely(logits, self._refine(logits, deltas, regions, image_shapes))
        second = fastrcnn_loss(*self._look(features, regions, image_shapes), *self._matched(regions, targets))
        return {"loss_classifier": first[0] + second[0], "loss_box_reg": first[1] + second[1]}

    @torch.no_grad()
    def _refine(self, logits: Tensor, deltas: Tensor, regions: Regions, image_shapes: Shapes) -> Regions:
        """The box of each region's likeliest object."""
        boxes = self.box_coder.decode(deltas, regions)
        likeliest = 1 + logits[:, 1:].argmax(1)
        chosen = boxes.gather(1, likeliest[:, None, None].expand(-1, 1, 4))[:, 0]
        refined = []
        for part, region, shape in zip(
            chosen.split([one.shape[0] for one in regions]), regions, image_shapes, strict=True
        ):
            box = clip_boxes_to_image(part, shape)
            is_large = ((box[:, 2:] - box[:, :2]) >= MIN_SIDE).all(1)
            refined.append(torch.where(is_large[:, None], box, region))
        return refined

    def _likely(self, logits: Tensor, regions: Regions) -> Regions:
        """Those that may hold an object, and the likeliest anyway; most hold nothing, and need no second look."""
        chances = torch.split(logits.softmax(-1)[:, 1:].amax(1), [region.shape[0] for region in regions])
        choose = self._round_number if self.training else self._all_likely
        return [
            region[choose(chance)] if region.shape[0] else region
            for region, chance in zip(regions, chances, strict=True)
        ]

    def _all_likely(self, chance: Tensor) -> Tensor:
        # One at least: an exported graph has the shapes of a photo in which something was looked at again.
        return chance >= chance.amax().clamp(max=self.score_thresh)

    def _round_number(self, chance: Tensor) -> Tensor:
        """With some more to a round number: a CPU writes code for each number of regions that it meets anew."""
        likely = int(self._all_likely(chance).sum())
        return chance.topk(min(-(-likely // ROUND) * ROUND, len(chance))).indices

    @torch.no_grad()
    def _matched(self, regions: Regions, targets: Targets) -> tuple[list[Tensor], list[Tensor]]:
        """Which class each region is, 0 for none, and which deltas lead from it to its object."""
        labels, nearest = [], []
        for region, target in zip(regions, targets, strict=True):
            # One more, of no size, which no region overlaps: so photos without objects are no special case.
            boxes, classes = pad(target["boxes"].to(region), (0, 0, 0, 1)), pad(target["labels"], (0, 1))
            overlap, index = box_iou(boxes, region).max(0)
            labels.append(torch.where(overlap >= CLOSE, classes[index], 0))
            nearest.append(boxes[index])
        return labels, self.box_coder.encode(nearest, regions)
