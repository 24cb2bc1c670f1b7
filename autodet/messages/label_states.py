"""Words for labels as they stand now."""

from collections.abc import Mapping

from autodet.records import DraftState

STATE_TITLES: Mapping[DraftState, str] = {
    "unlabelled": "Not labelled",
    "proposed": "With proposals",
    "labelled": "Labelled",
    "empty": "No objects",
}
