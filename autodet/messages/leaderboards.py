"""Sentences about a leaderboard."""

SPLIT_NOTES = {
    "test": "",
    "val": "Searches choose their best epoch, their best trial and the thresholds on validation photos, so the figures "
    "of models trained on this data set are a little too good; test photos rank them fairly.",
    "train": "Models are trained on training photos, so these figures say nothing about new photos.",
    "all": "These are all photos, so the figures of models trained on this data set say nothing about new photos.",
}


def split_note(split: str) -> str:
    """Say what the split of a leaderboard means for its figures; empty for test photos."""
    return SPLIT_NOTES[split]
