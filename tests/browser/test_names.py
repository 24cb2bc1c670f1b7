"""Hostile names as Chromium shows them, in Markdown, widgets' labels and charts."""

import pytest

from autodet.text_format import harmless
from autodet.ui.common.markdown import INVISIBLE
from tests.browser.conftest import App, settled
from tests.hostile_names import HOSTILE_NAMES

pytestmark = pytest.mark.browser
SCRIPT = """
import plotly.graph_objects as go
import streamlit as st
from autodet.charts.layout import name_rows
from autodet.text_format import harmless
from autodet.ui.common.markdown import escape
from tests.hostile_names import HOSTILE_NAMES

st.title("Names")
for number, name in enumerate(HOSTILE_NAMES):
    st.markdown(escape(name))
    st.button(escape(name), key=str(number))
figure = go.Figure(go.Bar(x=[1] * len(HOSTILE_NAMES), y=list(range(len(HOSTILE_NAMES))), orientation="h"))
name_rows(figure, HOSTILE_NAMES)
st.plotly_chart(figure.update_layout(height=40 * len(HOSTILE_NAMES)))
"""


@pytest.fixture
def app(tmp_path, monkeypatch):
    script = tmp_path / "names.py"
    script.write_text(SCRIPT)
    monkeypatch.setattr(App, "script", str(script))
    running = App(tmp_path / "home", PYTHONPATH=".")
    yield running
    running.stop()


def test_names_are_shown_as_written_everywhere(app, browser):
    tab = browser.new_page(bypass_csp=True)
    requests = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.goto(app.url)
    settled(tab)
    tab.locator(".ytick text").nth(len(HOSTILE_NAMES) - 1).wait_for()
    visible = [harmless(name) for name in HOSTILE_NAMES]
    texts = tab.get_by_test_id("stMarkdownContainer").all_inner_texts()
    shown = [text.replace(INVISIBLE, "") for text in texts]
    assert [name for name in visible if shown.count(name) != 2] == []
    assert tab.locator(".ytick text").evaluate_all("texts => texts.map(text => text.textContent)") == visible
    assert tab.evaluate("window.hurt") is None
    assert [address for address in requests if ":9/" in address] == []
