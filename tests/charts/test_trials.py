import pytest

from autodet.charts.layout import TOOLS_PIXELS
from autodet.charts.trials import (
    MAX_LINES,
    first_epoch_figure,
    is_in_first_epoch,
    loss_figure,
    map_figure,
    most_telling,
)
from autodet.records import EpochResult, SearchStatus, TrialStatus


def trial(number, state="finished", scores=(0.2, 0.6, 0.5)):
    epochs = tuple(EpochResult(epoch, 1.0 / epoch, score, score / 2, 3.0) for epoch, score in enumerate(scores, 1))
    return TrialStatus(number, state, {"lr": 1e-3}, epochs)


def search(*trials, state="running", planned_epochs=20):
    return SearchStatus("fruit", "fruit", state, trials, planned_trials=3, planned_epochs=planned_epochs)


def lines(figure):
    return [trace for trace in figure.data if "lines" in trace.mode]


def stars(figure):
    return [trace for trace in figure.data if trace.mode == "markers"]


def test_each_trial_with_an_epoch_has_one_line():
    figure = map_figure(search(trial(0), trial(1, "running", (0.3,)), trial(2, "running", ())))
    assert [line.name for line in lines(figure)] == ["trial 0", "trial 1"]
    assert list(lines(figure)[0].x) == [1, 2, 3]
    assert list(lines(figure)[0].y) == [0.2, 0.6, 0.5]


def test_before_the_first_score_the_losses_within_the_first_epoch_are_a_curve():
    begun = TrialStatus(0, "running", {"lr": 1e-3}, epoch_losses=((0.1, 2.5), (0.4, 1.5)))
    assert is_in_first_epoch(search(begun))
    assert not is_in_first_epoch(search(begun, trial(1)))
    (line,) = lines(first_epoch_figure(search(begun)))
    assert (list(line.x), list(line.y)) == ([0.1, 0.4], [2.5, 1.5])


def test_a_star_marks_the_best_epoch_of_all_trials():
    figure = map_figure(search(trial(0), trial(1, scores=(0.1, 0.9)), trial(2, scores=(0.9, 0.9))))
    (star,) = stars(figure)
    assert star.marker.symbol == "star"
    assert (list(star.x), list(star.y)) == ([2], [0.9])  # the earlier trial of equals
    assert "trial 1, epoch 2" in star.hovertemplate


@pytest.mark.parametrize("state", ["pruned", "failed"])
def test_a_trial_that_was_given_up_is_dimmed_and_dotted_and_says_so(state):
    given_up, whole = lines(map_figure(search(trial(0, state), trial(1))))
    assert given_up.opacity < whole.opacity
    assert (given_up.line.dash, whole.line.dash) == ("dot", "solid")
    assert given_up.name == f"trial 0 ({state})"


def test_the_axes_are_the_whole_search_from_the_first_epoch_on():
    figure = map_figure(search(trial(0, scores=(0.3,)), planned_epochs=10))
    lowest, highest = figure.layout.xaxis.range
    assert lowest < 1
    assert 10 < highest < 11
    assert figure.layout.xaxis.dtick == 1
    bottom, top = figure.layout.yaxis.range
    assert bottom == 0
    assert 1 <= top < 1.1


def test_a_line_keeps_its_colour_when_others_come():
    alone = lines(map_figure(search(trial(1))))[0]
    beside = lines(map_figure(search(trial(0), trial(1))))[1]
    assert alone.line.color == beside.line.color
    assert alone.line.color != lines(map_figure(search(trial(0))))[0].line.color


def test_the_loss_chart_has_the_losses_and_no_star():
    figure = loss_figure(search(trial(0)))
    assert list(lines(figure)[0].y) == [1.0, 0.5, 1 / 3]
    assert not stars(figure)


@pytest.mark.parametrize(
    ("state", "words"),
    [("queued", "No trial has started"), ("running", "under way"), ("failed", "No epoch was finished")],
)
@pytest.mark.parametrize("draw", [map_figure, loss_figure])
def test_an_empty_chart_says_why_it_is_empty(draw, state, words):
    figure = draw(search(trial(0, "running", ()), state=state))
    assert not figure.data
    assert words in figure.layout.annotations[0].text


@pytest.mark.parametrize("draw", [map_figure, loss_figure])
def test_a_refresh_keeps_the_zoom_and_no_background_hides_the_theme(draw):
    before, after = draw(search(trial(0))), draw(search(trial(0), trial(1)))
    assert before.layout.uirevision == after.layout.uirevision is not None
    assert after.layout.modebar.bgcolor == after.layout.paper_bgcolor == after.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_many_trials_leave_the_chart_its_room():
    figure = map_figure(search(*(trial(number) for number in range(50))))
    assert len(lines(figure)) == 50
    assert figure.layout.legend.orientation == "v"


@pytest.mark.parametrize("draw", [map_figure, loss_figure])
def test_the_tools_have_a_row_above_the_legend(draw):
    layout = draw(search(trial(0), trial(1))).layout
    assert (layout.legend.yref, layout.legend.yanchor) == ("container", "top")
    assert (1 - layout.legend.y) * layout.height == pytest.approx(TOOLS_PIXELS)
    assert layout.margin.t > TOOLS_PIXELS


def test_of_thousands_of_trials_the_best_and_the_newest_are_drawn():
    many = search(*(trial(number, scores=(0.001 * (number % 700),)) for number in range(2000)), state="running")
    shown = most_telling(many)
    assert len(shown.trials) == MAX_LINES
    assert many.best_trial in shown.trials
    assert shown.trials[-10:] == many.trials[-10:]
    assert most_telling(search(trial(0), trial(1))).trials == (trial(0), trial(1))


def test_the_best_by_the_objective_is_drawn_not_the_best_map50():
    def scored(number, map50, value):
        return TrialStatus(number, "finished", {"lr": 1e-3}, (EpochResult(1, 1.0, map50, 0.1, 3.0, value),))

    trials = [scored(0, 0.1, 0.9), *(scored(number, 0.5, 0.1) for number in range(1, 200))]
    assert most_telling(search(*trials)).trials[0] == trials[0]


def test_a_loss_that_grows_without_bound_flattens_no_other_line():
    hot = TrialStatus(1, "finished", {"lr": 1.0}, (EpochResult(1, 2.0, 0, 0, 3.0), EpochResult(2, 5e8, 0, 0, 3.0)))
    assert loss_figure(search(trial(0), hot)).layout.yaxis.range[1] == 6
    assert loss_figure(search(trial(0))).layout.yaxis.range is None
    late = TrialStatus(0, "finished", {"lr": 1.0}, (EpochResult(1, 0.0, 0, 0, 3.0), EpochResult(2, 5.0, 0, 0, 3.0)))
    assert loss_figure(search(late)).layout.yaxis.range is None
