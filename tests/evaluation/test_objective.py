import pytest

from autodet.errors import SearchError
from autodet.evaluation.objective import OBJECTIVES, Objective


@pytest.mark.parametrize("text", [*OBJECTIVES, "recall@0.5+latency", "recall@1"])
def test_an_objective_survives_parsing_and_is_accepted(text):
    objective = Objective.parse(text)
    assert str(objective) == text
    objective.check()


def test_the_parts_of_an_objective():
    assert Objective.parse("recall@0.90+latency") == Objective("recall", 0.9, latency=True)
    assert Objective.parse("map50+latency").quality == Objective() == Objective.parse("map50")
    assert [Objective.parse(text).is_default for text in ("map50+latency", "map50_95")] == [True, False]
    assert Objective.parse("recall@.75").title == "Recall at a precision of 0.75"
    assert Objective.parse("map50_95+latency").title == "mAP@0.5–0.95 and prediction time"


@pytest.mark.parametrize("text", ["accuracy", "recall", "recall@2", "map50+speed", ""])
def test_an_unknown_objective_is_kept_but_refused(text):
    objective = Objective.parse(text)
    assert str(objective) == text
    with pytest.raises(SearchError, match="There is no objective"):
        objective.check()
