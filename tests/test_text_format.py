import pytest

from autodet.text_format import counted, duration, listed, size_text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.6, "60 s"),
        (150, "2 min"),
        (5000, "83 min"),
        (7300, "2 h 2 min"),
        (200_000, "2 days 8 h"),
        (1e8, "1,157 days"),
    ],
)
def test_time_spans(seconds, words):
    assert duration(seconds) == words


def test_lists():
    assert [listed("abc"[:count]) for count in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
    assert listed([2, 4, 8], "or") == "2, 4 or 8"


def test_counts():
    assert (counted(1, "photo"), counted(2400, "photo"), counted(2, "box", "boxes")) == (
        "1 photo",
        "2,400 photos",
        "2 boxes",
    )


@pytest.mark.parametrize(
    ("size", "words"), [(18_800_000, "18.8 MB"), (150_000_000, "150 MB"), (2_000_000_000, "2 GB"), (40_000, "40 kB")]
)
def test_sizes(size, words):
    assert size_text(size) == words
