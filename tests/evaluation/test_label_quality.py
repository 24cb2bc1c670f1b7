"""Similarities of boxes, held against cleanlab's ObjectLab."""

import numpy as np
from cleanlab.object_detection import rank

from autodet.evaluation.label_quality import similarities


def test_boxes_are_similar_as_cleanlab_says():
    random = np.random.default_rng(0)
    corners = random.uniform(0, 60, (50, 2))
    boxes = np.concatenate([corners, corners + random.uniform(40, 80, (50, 2))], axis=1).astype(np.float32)
    others = boxes + random.normal(0, 6, (50, 4)).astype(np.float32)
    # The position of a label that a photo's only detection overlaps has the similarity of the two as its score.
    theirs = rank.compute_badloc_box_scores(
        labels=[{"bboxes": box[None].astype(float), "labels": np.array([0])} for box in boxes],
        predictions=[[np.append(other, 0.99)[None].astype(float)] for other in others],
    )
    np.testing.assert_allclose(similarities(boxes, others), np.concatenate(theirs), atol=1e-6)
