"""Every cause and every action of a kind has a sentence, in both tenses and for both audiences."""

import inspect
import json

import pytest

from autodet.datasets.checks.kinds import KINDS
from autodet.messages.findings import ABOUT_AUDIENCE, ACTIONS, PROBLEMS, action_sentence, problem_sentence
from autodet.records import Finding, finding_from_json

WITHOUT_FINDINGS = {"large_download"}  # asked before anything is read


def test_every_action_of_a_kind_has_words():
    for name, kind in KINDS.items():
        causes = [one for one in ACTIONS if one == name or name == "labels_twice"]
        if name not in WITHOUT_FINDINGS | {"labels_twice"}:
            assert causes and set(ACTIONS[name]) == set(kind.actions), name


def test_no_sentence_has_its_period_twice():
    for name, worded in PROBLEMS.items():
        assert '.",' not in inspect.getsource(worded).splitlines()[-1], name


@pytest.mark.parametrize(
    ("finding", "done", "planned"),
    [
        (Finding("photo_copies", "a.jpg", "keep"), "Both were kept.", "Both would be kept."),
        (Finding("box_outside", "a.xml", "fix"), "The box was cut to the photo.", "The box would be cut to the photo."),
        (Finding("large_loss", "", "stop"), "Nothing was imported.", "Nothing would be imported."),
        (
            Finding("no_validation", "", "keep"),
            "A search needs a photo in val: add photos, then import again.",
            "A search needs a photo in val: add photos, then import again.",
        ),
        (
            Finding("names_missing", "", "keep", {"called": "{was}, class_1"}),
            "The classes were called {was}, class_1.",
            "The classes would be called {was}, class_1.",
        ),
    ],
)
def test_what_was_done_and_what_is_planned(finding, done, planned):
    assert action_sentence(finding) == done
    assert action_sentence(finding, planned=True) == planned


def loss(**values):
    counts = {"photos": 3, "of_photos": 9, "boxes": 0, "of_boxes": 30}
    example = {"file": "b.xml", "cause": "xml_broken", "values": {}, "more": 2}
    values = {"source": "fruit (on the command line with love).zip", **counts, "examples": [example], **values}
    return Finding("large_loss", "", "stop", values)


def test_a_page_does_not_speak_of_the_command_line():
    said = problem_sentence(loss(unlisted=True))
    assert "--decide large_loss=keep" in said and "--decide photo_unlisted=keep" in said
    shown = problem_sentence(loss(unlisted=True), "page")
    assert "--decide" not in shown and shown.endswith("agree to import the rest here.")
    assert shown.startswith(
        "'fruit (on the command line with love).zip' would lose 3 of 9 labelled photos, more than 5%."
    )
    assert "b.xml: The XML is broken and cannot be read (and 2 more like it). Put those" in shown


def test_audiences_are_asked_only_where_they_differ():
    for name in ABOUT_AUDIENCE:
        assert "audience" in inspect.signature(PROBLEMS[name]).parameters


def test_a_finding_survives_its_json():
    finding = loss(unlisted=False)
    read = finding_from_json(json.loads(json.dumps({**{name: getattr(finding, name) for name in finding.__slots__}})))
    assert read == finding and problem_sentence(read) == problem_sentence(finding)


def test_sentences_of_earlier_versions_stay_as_they_are():
    old = {"file": "a.xml", "problem": "It was odd.", "action": "It was kept.", "kind": "turned", "photos": ["a.jpg"]}
    read = finding_from_json(old)
    assert (problem_sentence(read), action_sentence(read, planned=True)) == ("It was odd.", "It was kept.")
    assert (read.kind, read.file, read.photos) == ("turned", "a.xml", ("a.jpg",))


def test_a_later_version_may_find_more():
    assert "update autodet" in problem_sentence(Finding("glare", "a.jpg", "keep", {"share": 0.5}))
