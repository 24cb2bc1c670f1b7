from dataclasses import replace

from autodet.charts import pareto
from autodet.charts.pareto import pareto_figure
from autodet.records import EpochResult, SearchStatus, TrialStatus


def trial(number, score, latency_ms, **params):
    return TrialStatus(number, "finished", params, (EpochResult(1, 1.0, score, score, 3.0, latency_ms=latency_ms),))


def search(*trials, state="running"):
    return SearchStatus("fruit", "fruit", state, trials, objective="map50+latency")


def points(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name.startswith(name)]
    return list(zip(trace.x, trace.y, strict=True))


TRIALS = (trial(0, 0.5, 60), trial(1, 0.4, 20), trial(2, 0.7, 40), trial(3, 0.8, 90))


def test_the_front_is_a_line_from_the_quickest_to_the_best_and_the_others_are_points():
    figure = pareto_figure(search(*TRIALS))
    assert points(figure, "Pareto front") == [(20, 0.4), (40, 0.7), (90, 0.8)]
    assert points(figure, "other trials") == [(60, 0.5)]
    assert [trace.name for trace in figure.data if "lines" in trace.mode] == ["Pareto front"]
    assert figure.layout.xaxis.title.text == "one prediction, milliseconds"


def test_the_defaults_and_the_searchs_model_are_marked():
    figure = pareto_figure(search(*TRIALS))
    assert points(figure, "trial 0") == [(60, 0.5)]
    assert points(figure, "best") == [(90, 0.8)]


def test_a_point_says_which_trial_it_is_without_markup_of_others():
    known = trial(0, 0.5, 60, image_size=320, architecture="<b>net</b>")
    (text, *_) = pareto_figure(search(known)).data[0].hovertext
    assert "trial 0" in text and "320 pixels" in text
    assert "<b>net" not in text


def test_trials_without_an_epoch_are_not_there_yet():
    figure = pareto_figure(search(replace(TRIALS[0], epochs=())))
    assert not figure.data
    assert "first epoch is under way" in figure.layout.annotations[0].text


def test_of_very_many_others_the_newest_are_drawn(monkeypatch):
    monkeypatch.setattr(pareto, "MAX_OTHERS", 2)
    others = [trial(number, 0.1, 100 + number) for number in range(4, 9)]
    assert points(pareto_figure(search(*TRIALS, *others)), "other trials") == [(107, 0.1), (108, 0.1)]
