"""Sentences about what the starting weights know."""

from autodet.messages.plans import reused_text


def test_reused_and_similar_classes_are_told():
    none = "The starting weights know none of the classes."
    assert reused_text({}, {}) == none
    similar = {"raccoon": ["cat", "dog", "bear"], "fox": ["dog"]}
    told = "Starting from similar classes: raccoon (from cat, dog and bear) and fox (from dog)."
    assert reused_text({}, similar) == f"{none} {told}"
    known = "Classes known to the starting weights: Apple (as apple)."
    assert reused_text({"Apple": "apple"}, similar) == f"{known} {told}"
