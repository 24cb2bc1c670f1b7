import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from autodet.charts.layout import plotly_text
from autodet.ui.common.markdown import INVISIBLE, ago, escape, score, shortened
from tests.hostile_names import HOSTILE_NAMES


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


@pytest.mark.parametrize("text", HOSTILE_NAMES)
def test_a_name_is_shown_as_written(text):
    """What each renderer does with these is in tests/browser/test_names.py."""
    written = re.sub("[\u202a-\u202e\u2066-\u2069]", lambda found: f"\\u{ord(found[0]):04x}", text)
    assert re.sub(r"\\([\\`*_{}\[\]()#+\-.!|<>~$:&^=])", r"\1", escape(text)).replace(INVISIBLE, "") == written
    assert unescape(plotly_text(text)) == written
    assert "<" not in plotly_text(text)
    assert not re.search(r":[\w/+-]+\\?:", escape(text).replace("\\", ""))


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
