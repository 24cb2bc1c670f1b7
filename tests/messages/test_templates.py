from typing import get_args

from autodet.messages import cautions, diagnoses, limits, plans, search
from autodet.messages.templates import render
from autodet.records import Notice
from autodet.records.notices import CautionKind, DiagnosisKind, LimitKind, LossKind, PlanKind, SearchKind, TrialKind
from autodet.search.order.space import PARAMETERS


def test_every_kind_has_a_text():
    assert search.SENTENCES.keys() == {*get_args(SearchKind), *get_args(TrialKind)} - {"sentence"}
    assert search.CLAUSES.keys() == set(get_args(LossKind))
    assert cautions.SENTENCES.keys() == set(get_args(CautionKind))
    assert limits.SENTENCES.keys() == {*get_args(LimitKind), *get_args(CautionKind)}
    assert plans.SENTENCES.keys() == set(get_args(PlanKind))
    assert diagnoses.CAUSES.keys() == set(get_args(DiagnosisKind)) - {"nothing_found"}


def test_every_parameter_has_a_phrase():
    assert plans.VARIED.keys() == PARAMETERS.keys()


def test_sentences_of_earlier_versions_are_rendered_as_they_are_and_kinds_of_later_ones_are_named():
    assert render(Notice.of("sentence", text="It {was} stopped."), search.SENTENCES) == "It {was} stopped."
    assert "'eclipse'" in render(Notice.from_json({"kind": "eclipse"}), search.SENTENCES)
