"""Charts of the quality of each class."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from autodet.charts.layout import label, name_rows, styled
from autodet.charts.palette import CLASS_COLOURS, GREY
from autodet.records import Difference, EvaluationReport

MODEL_COLOURS = (CLASS_COLOURS[1], CLASS_COLOURS[4])  # that of the second is the viewer's for the other model


def class_ap_figure(report: EvaluationReport) -> go.Figure:
    """Plot AP per class at IoU 0.50 and over IoU 0.50 to 0.95; classes without a box in the split are left out.

    The key of a bar is the class's number.
    """
    measured = {name: class_report for name, class_report in report.per_class.items() if class_report.ap50 is not None}
    figure = go.Figure()
    for title, values, colour in (
        ("AP at IoU 0.50", [class_report.ap50 for class_report in measured.values()], CLASS_COLOURS[1]),
        ("AP over IoU 0.50 to 0.95", [class_report.ap50_95 for class_report in measured.values()], GREY),
    ):
        _add_bars(figure, title, list(measured), values, colour)
    keys = [str(number) for number, name in enumerate(report.per_class) if name in measured]
    figure.update_traces(customdata=keys, unselected={"marker": {"opacity": 0.45}})
    return _in_rows(figure, list(measured))


def compared_ap_figure(per_class: Mapping[str, Difference], models: tuple[str, str]) -> go.Figure:
    """Plot AP at IoU 0.50 of each class for two models.

    Args:
        per_class: Figures by class name.
        models: Names of the models.
    """
    sides = ([figure.a for figure in per_class.values()], [figure.b for figure in per_class.values()])
    figure = go.Figure()
    for model, values, colour in zip(map(label, models), sides, MODEL_COLOURS, strict=True):
        _add_bars(figure, model, list(per_class), values, colour)
    return _in_rows(figure, list(per_class))


def _add_bars(figure: go.Figure, title: str, names: Sequence[str], values: Sequence[float | None], colour: str) -> None:
    figure.add_trace(
        go.Bar(
            x=values,
            hovertext=[label(name) for name in names],
            orientation="h",
            name=title,
            marker_color=colour,
            text=[f"{value:.3f}" for value in values],
            textposition="auto",
            hovertemplate=f"%{{hovertext}}<br>{title}: %{{x:.3f}}<extra></extra>",
        )
    )


def _in_rows(figure: go.Figure, names: list[str]) -> go.Figure:
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(range=[0, 1.02])
    name_rows(figure, names)
    return styled(figure, height=110 + 62 * len(names))
