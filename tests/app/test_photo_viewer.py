"""What the photo viewer sends to the browser."""

import json

from streamlit.testing.v1 import AppTest

from tests.app.conftest import viewer_data


def page():
    """A page with a set of photos that nobody could send at once; each is asked for by its index."""
    import numpy as np
    import streamlit as st

    from autodet.errors import PhotoError
    from autodet.ui.common.photo_viewer import FALSE_POSITIVES, GROUND_TRUTH, ViewedBoxes, ViewedPhoto, photo_viewer

    def load(index):
        st.session_state.setdefault("loaded", []).append(index)
        if index == 40_001:
            raise PhotoError("The photo <b>.jpg is not there.")
        box = np.array([[1.23, 2, 3, 4]], np.float32)
        two, scores = np.repeat(box, 2, axis=0), np.float32([0.9, np.nan])
        boxes = {
            "ground_truth": ViewedBoxes(box, np.array([1]), ("apple", "<b>")),
            "false_positives": ViewedBoxes(two, np.array([1, 0]), ("a", "b"), scores),
        }
        return ViewedPhoto(f"{index}.jpg", b"photo %d" % index, (10, 20), boxes, "a note", ("false_positives", 1))

    layers = [GROUND_TRUTH, FALSE_POSITIVES]
    place = photo_viewer(50_000, load, key="photos", layers=layers, identity="set", start=40_000)
    st.text(place)


def test_only_the_shown_photo_and_its_neighbours_are_prepared_and_none_is_sent():
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["loaded"] == [39_999, 40_000, 40_001]
    assert app.text[0].value == "40000"
    data = viewer_data(app)
    assert (data["count"], data["place"]) == (50_000, 40_000)
    assert data["photos"]["40001"] == {"error": "The photo <b>.jpg is not there."}
    photo = data["photos"]["40000"]
    assert photo["boxes"]["ground_truth"] == {"classes": [["<b>", "#2f7fd6"]], "rows": [[1.2, 2.0, 3.0, 4.0, 0, None]]}
    assert [row[4:] for row in photo["boxes"]["false_positives"]["rows"]] == [[1, 0.9], [0, None]]
    assert (photo["name"], photo["note"], photo["focus"]) == ("40000.jpg", "a note", ["false_positives", 1])
    assert photo["address"].startswith("/")
    assert "photo 40000" not in json.dumps(data)


def test_a_step_in_the_browser_moves_the_window_and_a_wrong_or_old_one_stays_within_the_photos():
    app = AppTest.from_function(page).run()
    for identity, sent, shown in (
        ("set", 40_002, 40_002),
        ("set", 10**9, 49_999),
        ("set", -5, 0),
        ("set", "x", 40_000),
        ("other set", 7, 40_000),
    ):
        app.session_state["photos"] = {"shown": {"identity": identity, "place": sent}}
        app.session_state["loaded"] = []
        app.run()
        assert not app.exception
        assert app.text[0].value == str(shown)
        assert set(app.session_state["loaded"]) == {max(0, shown - 1), shown, min(49_999, shown + 1)}
