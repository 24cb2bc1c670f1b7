"""RoI head with two stages: the first classifies and refines each proposal, the second does so with the refined box.

A proposal slightly beside an object covers only a part of it, so the box of the first stage is imprecise; the second
stage sees the whole object. As in Cascade R-CNN (Cai and Vasconcelos, arXiv 1712.00726) both stages are trained, the
second on the boxes of the first with a higher IoU threshold. Unlike there, both share one head, so the weights are the
same with and without the second stage, and only the few regions that may hold an object reach it.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.ops import box_iou, clip_boxes_to_image

from autodet.models.cpu_kernels.roi_align import ROUND

CLOSE = 0.6  # IoU threshold for a positive in the second stage; 0.5 for proposals
MIN_SIDE = 1.0  # pixels; if the first stage's box is smaller, the second stage uses the proposal
Features = dict[str, Tensor]
Regions = list[Tensor]
Shapes = list[tuple[int, int]]
Targets = list[dict[str, Tensor]]


class CascadeRoIHeads(RoIHeads):  # type: ignore[misc]
    """torchvision's head of Faster R-CNN with a second stage, which gives the final boxes and scores."""

    def forward(
        self, features: Features, proposals: Regions, image_shapes: Shapes, targets: Targets | None = None
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Do the same as ``RoIHeads.forward``; each loss is the sum over both stages."""
        if self.training:
            return [], self._losses(features, proposals, image_shapes, targets or [])
        logits, deltas = self._look(features, proposals, image_shapes)
        regions = self._likely(logits, self._refine(logits, deltas, proposals, image_shapes))
        logits, deltas = self._look(features, regions, image_shapes)
        detections = zip(*self.postprocess_detections(logits, deltas, regions, image_shapes), strict=True)
        return [{"boxes": boxes, "labels": labels, "scores": scores} for boxes, scores, labels in detections], {}

    def _look(self, features: Features, regions: Regions, image_shapes: Shapes) -> tuple[Tensor, Tensor]:
        """Return logits (N, C) and box deltas (N, 4 C) of the N regions of all photos; class 0 is the background."""
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
        """Return the box of each region's most likely object, clipped to the photo; the region if that is tiny."""
        boxes = self.box_coder.decode(deltas, regions)
        likeliest = 1 + logits[:, 1:].argmax(1)
        chosen = boxes.gather(1, likeliest[:, None, None].expand(-1, 1, 4))[:, 0]
        refined = []
        for part, region, shape in zip(
            chosen.split([boxes.shape[0] for boxes in regions]), regions, image_shapes, strict=True
        ):
            box = clip_boxes_to_image(part, shape)
            is_large = ((box[:, 2:] - box[:, :2]) >= MIN_SIDE).all(1)
            refined.append(torch.where(is_large[:, None], box, region))
        return refined

    def _likely(self, logits: Tensor, regions: Regions) -> Regions:
        """Select the regions that may hold an object, at least the most likely one, for the second stage."""
        chances = torch.split(logits.softmax(-1)[:, 1:].amax(1), [region.shape[0] for region in regions])
        choose = self._round_number if self.training else self._all_likely
        return [
            region[choose(chance)] if region.shape[0] else region
            for region, chance in zip(regions, chances, strict=True)
        ]

    def _all_likely(self, chance: Tensor) -> Tensor:
        # Keep at least one region, because an exported graph has the shapes of a photo with a second stage.
        return chance >= chance.amax().clamp(max=self.score_thresh)

    def _round_number(self, chance: Tensor) -> Tensor:
        """Round the number of likely regions up, because a CPU generates code for each new number of regions."""
        likely = int(self._all_likely(chance).sum())
        return chance.topk(min(-(-likely // ROUND) * ROUND, len(chance))).indices

    @torch.no_grad()
    def _matched(self, regions: Regions, targets: Targets) -> tuple[list[Tensor], list[Tensor]]:
        """Return the class of each region, 0 for background, and the deltas from it to the object of highest IoU."""
        labels, nearest = [], []
        for region, target in zip(regions, targets, strict=True):
            # Append an empty box that overlaps no region, so that photos without objects are no special case.
            boxes, classes = pad(target["boxes"].to(region), (0, 0, 0, 1)), pad(target["labels"], (0, 1))
            overlap, index = box_iou(boxes, region).max(0)
            labels.append(torch.where(overlap >= CLOSE, classes[index], 0))
            nearest.append(boxes[index])
        return labels, self.box_coder.encode(nearest, regions)
