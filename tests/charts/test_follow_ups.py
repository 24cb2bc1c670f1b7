from autodet.charts.follow_ups import learning_curve_figure, repeatability_figure
from autodet.evaluation.learning_curve import fit_power_law
from autodet.evaluation.repeatability import compared, seed_scores
from autodet.records import CurvePoint, LearningCurve, Repeatability

HOSTILE = "<b>apple</b>"


def trace(figure, name):
    (found,) = [one for one in figure.data if one.name == name]
    return found


def test_each_configuration_has_its_seeds_its_mean_and_its_spread():
    defaults = seed_scores(0, 0.58, [0.6, 0.62], 3)
    result = Repeatability("f", "f-repeated", "map50", (defaults, compared(seed_scores(4, None, [0.7], 3), defaults)))
    figure = repeatability_figure(result, "mAP@0.5")
    seeds, mean = trace(figure, "a seed"), trace(figure, "mean and standard deviation")
    assert list(zip(seeds.x, seeds.y, strict=True)) == [(0.6, 0), (0.62, 0), (0.7, 1)]
    assert list(mean.x) == [0.61, 0.7] and mean.error_x.array[1] == 0
    assert list(trace(figure, "in the search").x) == [0.58]
    assert list(figure.layout.yaxis.ticktext) == ["defaults (trial 0)", "trial 4"]


def curve(points):
    columns = [point.photos for point in points], [point.map50 for point in points], [point.seed for point in points]
    law = fit_power_law(*columns, 40)
    return LearningCurve("f", "f-curve", "f", 1, 40, tuple(points), law, {HOSTILE: law} if law else {})


def test_a_curve_has_its_points_and_goes_on_to_twice_the_photos():
    points = [CurvePoint(photos, 1, at, {HOSTILE: at / 2}) for photos, at in ((10, 0.5), (20, 0.6), (40, 0.7))]
    figure = learning_curve_figure(curve(points))
    assert list(trace(figure, "a training").y) == [0.5, 0.6, 0.7]
    ahead, fit = trace(figure, "extrapolation"), trace(figure, "fit")
    assert (min(ahead.x), round(max(ahead.x))) == (40, 80)
    assert min(fit.x) == 10 and max(fit.x) == 40
    assert list(figure.layout.xaxis.ticktext) == ["10", "20", "40", "80"]
    of_class = learning_curve_figure(curve(points), HOSTILE)
    assert list(trace(of_class, "a training").y) == [0.25, 0.3, 0.35]
    assert HOSTILE not in of_class.to_json()


def test_a_curve_without_points_says_so_and_one_of_two_has_no_fit():
    assert "No training has finished yet" in learning_curve_figure(curve([])).to_json()
    names = [one.name for one in learning_curve_figure(curve([CurvePoint(10, 1, 0.5), CurvePoint(20, 1, 0.6)])).data]
    assert "a training" in names and "fit" not in names
