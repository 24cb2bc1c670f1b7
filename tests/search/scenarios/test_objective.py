import optuna
import pytest

from autodet.errors import SearchError
from autodet.models.store import find_model
from autodet.search.start import start_search


def test_the_objective_decides_which_epoch_trial_and_model_is_the_best(start, home):
    curves = {"0": [0.5, 0.6, 0.7], "1": [0.4, 0.2, 0.3], "2": [0.6, 0.8, 0.9]}
    search = start({"map50": curves}, trials=3, epochs=3, objective="recall@0.9")
    status = search.wait()
    best = status.best_trial
    assert (best.number, best.best_epoch.epoch, best.best_epoch.score) == (1, 2, pytest.approx(0.8))
    assert status.objective == "recall@0.9"
    assert find_model(status.model, home).card.metrics["map50"] == 0.2
    study = optuna.load_study(study_name=search.id, storage=home.optuna_url)
    assert study.best_trial.number == 1 and study.best_value == pytest.approx(0.8)


@pytest.mark.parametrize("objective", ["f1", "recall@2", "recall@", "recall@0.9 "])
def test_an_objective_that_is_none_is_a_sentence(data, objective):
    with pytest.raises(SearchError, match="There is no objective"):
        start_search(data, objective=objective)
