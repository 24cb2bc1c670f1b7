"""Labels that look wrong because the most similar objects have another class; needs no evaluation of the model."""

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.evaluation.feature_space import class_votes, doubtful_labels, find_neighbours
from autodet.inference.photo_features import PhotoFeatures
from autodet.records import LabelIssue


def neighbour_issues(dataset: Dataset, features: PhotoFeatures) -> list[LabelIssue]:
    """Return labels whose class differs from that of most similar objects on other photos, the clearest first.

    Args:
        dataset: The data set.
        features: Its features, from any model.

    Returns:
        Issues of the kind ``wrong_class``; the score is the share of the similar objects that have the label's class.
    """
    annotations = [record.annotations for record in dataset.images]
    places = list(zip(features.object_photos.tolist(), features.object_boxes.tolist(), strict=True))
    class_ids = np.array([annotations[photo].class_ids[box] for photo, box in places], np.int64)
    neighbours = find_neighbours(features.object_vectors, groups=features.object_photos)
    votes = class_votes(neighbours, class_ids, len(dataset.classes))
    issues = []
    for index, other in zip(*(found.tolist() for found in doubtful_labels(votes, class_ids)), strict=True):
        photo, place = places[index]
        x1, y1, x2, y2 = annotations[photo].boxes_xyxy[place].tolist()
        issues.append(
            LabelIssue(
                file=features.files[photo],
                kind="wrong_class",
                class_name=dataset.classes[class_ids[index]],
                box=(x1, y1, x2, y2),
                score=float(votes[index, class_ids[index]]),
                annotation=place,
                suggested_class=dataset.classes[other],
                suggested_box=(x1, y1, x2, y2),
            )
        )
    return issues
