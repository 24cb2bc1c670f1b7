"""Chart of how well each class is detected."""

import plotly.graph_objects as go

from autodet.charts.layout import label, name_rows, styled
from autodet.charts.palette import CLASS_COLOURS, GREY
from autodet.records import EvaluationReport


def class_ap_figure(report: EvaluationReport) -> go.Figure:
    """Plot AP per class at IoU 0.50 and over IoU 0.50 to 0.95; classes without a box in the split are left out.

    The key of a bar is the class's number.
    """
    measured = {name: class_report for name, class_report in report.per_class.items() if class_report.ap50 is not None}
    names = [label(name) for name in measured]
    keys = [str(number) for number, name in enumerate(report.per_class) if name in measured]
    figure = go.Figure()
    for title, values, colour in (
        ("AP at IoU 0.50", [class_report.ap50 for class_report in measured.values()], CLASS_COLOURS[1]),
        ("AP over IoU 0.50 to 0.95", [class_report.ap50_95 for class_report in measured.values()], GREY),
    ):
        figure.add_trace(
            go.Bar(
                x=values,
                hovertext=names,
                customdata=keys,
                unselected={"marker": {"opacity": 0.45}},
                orientation="h",
                name=title,
                marker_color=colour,
                text=[f"{value:.3f}" for value in values],
                textposition="auto",
                hovertemplate=f"%{{hovertext}}<br>{title}: %{{x:.3f}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(range=[0, 1.02])
    name_rows(figure, list(measured))
    return styled(figure, height=110 + 62 * len(names))
