"""Sentences about a leaderboard."""

SPLIT_NOTES = {
    "test": "",
    "val": "Searches choose their best epoch, their best trial and the thresholds on validation photos, so the figures "
    "of models trained on this data set are a little too good; test photos rank them fairly.",
    "train": "Models are trained on training photos, so these figures say nothing about new photos.",
    "all": "These are all photos, so the figures of models trained on this data set say nothing about new photos.",
}


def split_note(split: str) -> str:
    """Return the meaning of a leaderboard's split for its figures, as a sentence; empty for test photos."""
    return SPLIT_NOTES[split]
