"""Chart of two models side by side."""

from collections.abc import Mapping

import plotly.graph_objects as go

from autodet.charts.layout import label, name_rows, styled
from autodet.charts.palette import CLASS_COLOURS
from autodet.records import Difference

COLOURS = (CLASS_COLOURS[1], CLASS_COLOURS[4])  # that of the second is the viewer's for the other model


def compared_ap_figure(per_class: Mapping[str, Difference], models: tuple[str, str]) -> go.Figure:
    """Plot AP at IoU 0.50 of each class for two models.

    Args:
        per_class: Figures by class name.
        models: Names of the models.
    """
    names = [label(name) for name in per_class]
    sides = ([figure.a for figure in per_class.values()], [figure.b for figure in per_class.values()])
    figure = go.Figure()
    for model, values, colour in zip(map(label, models), sides, COLOURS, strict=True):
        figure.add_trace(
            go.Bar(
                x=values,
                hovertext=names,
                orientation="h",
                name=model,
                marker_color=colour,
                text=[f"{value:.3f}" for value in values],
                textposition="auto",
                hovertemplate=f"%{{hovertext}}<br>{model}: %{{x:.3f}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(range=[0, 1.02])
    name_rows(figure, list(per_class))
    return styled(figure, height=110 + 62 * len(names))
