"""Sentences for the actions that an import takes on findings."""

from collections.abc import Callable, Mapping

from autodet.messages.finding_phrases import files as _files
from autodet.messages.findings_yolo import ACTIONS_YOLO

NOTHING_IMPORTED, NOTHING_MERGED = "Nothing {was} imported.", "Nothing {was} merged."
LEFT_OUT, KEPT = "The photo {was} left out.", "It {was} kept."
BOX_DROPPED, CLASS_DROPPED = "The box {was} dropped.", "Its boxes {were} dropped."


# By cause, or by kind. Templates have the verbs ``was`` and ``were`` in the tense, and the finding's values.
ACTIONS: Mapping[str, Mapping[str, str | Callable[..., str]]] = {
    "text_encoding": {"keep": "Check these names; if they are wrong, save the files in UTF-8, and import again."},
    "unreadable_photo": {"drop": LEFT_OUT},
    "photo_missing": {"drop": LEFT_OUT},
    "photo_of_labels_missing": {"drop": "They {were} left out."},
    "labels_damaged": {"drop": LEFT_OUT},
    "json_git_pointer": {"drop": "Its photos {were} left out."},
    "json_file_large": {"drop": "Its photos {were} left out."},
    "json_broken": {"drop": "Its photos {were} left out."},
    "json_bloated": {"drop": "Its photos {were} left out."},
    "marks_compared": {"drop": "Those {were} left out."},
    "labels_foreign": {"drop": "It {was} skipped."},
    "file_skipped": {"drop": "It {was} skipped."},
    "marks_unlisted": {"drop": "They {were} skipped."},
    "predictions": {"drop": "They {were} left out."},
    "other_program": {"drop": LEFT_OUT},
    "other_format": {"drop": "They {were} ignored."},
    "described_twice": {"drop": "It {was} left out."},
    "other_version": {
        "drop": lambda others, **_: f"For these, {_files(others)} {'counts' if len(others) == 1 else 'count'}."
    },
    "other_objects": {"drop": "Their boxes {were} joined."},
    "other_labels": {"drop": "The other labels count."},
    "split_twice": {"fix": "Each {was} put into one split, {first} first."},
    "split_twice_by_folder": {"fix": "Each {was} put into one split: that of its folder's name, else {first} first."},
    "split_twice_train": {
        "fix": "They {were} taken for train; if that leaves no photo for val, splits are drawn from it."
    },
    "photo_unlisted": {"drop": LEFT_OUT, "keep": "It {was} put into train."},
    "train_unnamed": {"keep": "They {were} put into train."},
    "photo_unlabelled": {"drop": LEFT_OUT, "keep": "It {was} kept as a photo without objects."},
    "label_file_missing": {"keep": "They {were} kept as photos without objects."},
    "box_damaged": {"drop": BOX_DROPPED},
    "class_unknown": {"drop": BOX_DROPPED},
    "names_missing": {"keep": "The classes {were} called {called}."},
    "labels_disagree": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes of both {were} joined.",
        "keep": "The file named first {was} used.",
    },
    "names_differ": {"keep": "Its names {were} used.", "stop": NOTHING_IMPORTED},
    "attribute_chosen": {"keep": "It {was} used."},
    "attribute_unclear": {"keep": "The first {was} used.", "stop": NOTHING_IMPORTED},
    "classes_several": {"keep": "A box for each class {was} made."},
    "shapes_skipped": {"drop": "They {were} left out."},
    "shapes_grouped": {"fix": "One box around each object {was} made.", "keep": "Each outline {was} kept."},
    "drawn_twice": {"drop": "The first {was} used."},
    "ground_truth": {"drop": "The ground truth {was} used."},
    "shapes_hulled": {"fix": "The upright box around each {was} taken."},
    "box_set_aside": {"drop": BOX_DROPPED},
    "box_no_area": {"drop": BOX_DROPPED},
    "box_outside": {"fix": "The box {was} cut to the photo.", "drop": BOX_DROPPED},
    "box_notation": {
        "stop": NOTHING_IMPORTED,
        "keep": "The boxes {were} read as the format says.",
        "corners": "The boxes {were} read as two corners.",
        "top_left": "The boxes {were} read as the top left corner and the size.",
        "center": "The boxes {were} read as the center and the size.",
    },
    "boxes_reread": {"fix": "They {were} read as two corners."},
    "box_swapped": {"fix": "The corners {were} swapped.", "drop": BOX_DROPPED},
    "box_duplicate": {"drop": BOX_DROPPED, "keep": "Both {were} kept."},
    "box_tiny": {"keep": KEPT, "drop": "It {was} dropped."},
    "boxes_tiny": {"keep": "They {were} kept.", "drop": "They {were} dropped."},
    "photo_crowded": {"keep": "All {were} kept."},
    "wrong_ending": {"fix": "It {was} stored as {stored_as}."},
    "photo_converted": {"fix": "Each {was} converted to {stored_as}."},
    "turned": {"fix": "The boxes {were} turned with the photo.", "keep": "The boxes {were} left as they are."},
    "turned_upright": {"keep": "The boxes {were} left as they are.", "fix": "The boxes {were} turned with the photo."},
    "turned_half": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes {were} turned with the photo.",
        "keep": "The boxes {were} left as they are.",
    },
    "turned_unclear": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes {were} turned with the photo.",
        "keep": "The boxes {were} left as they are.",
    },
    "copy_unlabelled": {"drop": LEFT_OUT, "keep": "It {was} kept as a photo without objects."},
    "copies_disagree": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes of all copies {were} joined on one photo.",
        "keep": "All {were} kept as they are.",
    },
    "size_missing": {"keep": "The photo's own size, {width}x{height}, {was} used."},
    "size_resized": {
        "fix": "The boxes {were} scaled to the photo.",
        "keep": "The boxes {were} left as they are.",
        "drop": LEFT_OUT,
    },
    "size_unclear": {
        "stop": NOTHING_IMPORTED,
        "fix": "The boxes {were} scaled to the photo.",
        "keep": "The boxes {were} left as they are.",
        "drop": LEFT_OUT,
    },
    "size_mismatch": {
        "keep": "The photo's own size, {width}x{height}, {was} used.",
        "fix": "The boxes {were} scaled to the photo.",
        "drop": LEFT_OUT,
    },
    "class_spelling": {
        "fix": "They {were} taken as one class, {other!r}.",
        "keep": "They {were} kept as two classes.",
    },
    "class_empty": {"drop": "It {was} left out."},
    "class_rare": {"keep": KEPT, "drop": CLASS_DROPPED},
    "class_missing": {"keep": KEPT, "drop": CLASS_DROPPED},
    "class_untaught": {"keep": KEPT, "drop": CLASS_DROPPED},
    "splits_disagree": {"stop": NOTHING_IMPORTED, "keep": "It {was} imported anyway."},
    "class_similar": {
        "stop": NOTHING_MERGED,
        "fix": "They {were} joined as {other!r}.",
        "keep": "They {were} kept as two classes.",
    },
    "class_partial": {"stop": NOTHING_MERGED, "keep": "It {was} kept."},
    "datasets_disagree": {
        "stop": NOTHING_MERGED,
        "fix": "The boxes of both {were} joined.",
        "keep": "The boxes of {first!r} {were} used.",
        "drop": "They {were} left out.",
    },
    "photo_leak": {"stop": NOTHING_MERGED, "drop": "They {were} left out.", "keep": "They {were} kept."},
    "photo_copies": {"keep": "Both {were} kept.", "drop": LEFT_OUT},
    "photo_alike": {"keep": "Both {were} kept.", "drop": LEFT_OUT},
    "large_loss": {"stop": NOTHING_IMPORTED, "keep": "The rest {was} imported."},
    "unlabelled": {"keep": "They {were} imported, to be labelled."},
    "photo_waiting": {"keep": "They wait to be labelled; a version takes them over then."},
    "no_boxes": {"stop": NOTHING_IMPORTED},
    "no_validation": {"keep": "A search needs a photo in val: add photos, then import again."},
    **ACTIONS_YOLO,
    "no_validation_drawn": {"keep": "A search needs photos in val: redraw the splits, with a share for val."},
    "split_unmarked": {"keep": "Draw new splits, or annotate objects on photos of {split}."},
}
