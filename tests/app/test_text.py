import re
from datetime import UTC, datetime, timedelta

import pytest

from autodet.ui.common.markdown import INVISIBLE, ago, escape, score, shortened


@pytest.mark.parametrize(
    "text", ["![x](http://e)", "<b>", ":red[x]", "$x$", "*a* _b_ `c`", "# one", "a|b", "~~x~~", "1. x"]
)
def test_no_sign_that_means_something_to_markdown_is_left_alone(text):
    escaped = escape(text)
    assert escaped.replace("\\", "").replace(INVISIBLE, "") == text
    for sign in "![]()<>:$*_`#|~":
        assert escaped.count(sign) == escaped.count(f"\\{sign}")


@pytest.mark.parametrize("text", ["http://e.org", "see HTTPS://e.org/x", "www.e.org", "me@e.org"])
def test_no_address_becomes_a_link(text):
    assert not re.search(r"https?:|www\.|\w@", escape(text).replace("\\", ""), re.IGNORECASE)


def test_escaped_text_stays_on_one_line():
    assert "\n" not in escape("one\n\n# two")


def test_a_long_text_is_shortened_and_says_so():
    assert shortened("x" * 40) == "x" * 40
    assert shortened("x" * 41) == "x" * 39 + "…"


def test_moments_and_scores():
    assert ago((datetime.now(UTC) - timedelta(hours=3, minutes=5)).isoformat()) == "3 hours ago"
    assert ago(datetime.now(UTC).isoformat()) == "just now"
    assert ago("nonsense") == ago("") == ago("2026-01-01T00:00:00") == ""
    assert (score(0.12345), score(None)) == ("0.123", "–")
