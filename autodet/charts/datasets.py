"""What a data set holds."""

import plotly.graph_objects as go

from autodet.charts.layout import label, name_rows, styled
from autodet.charts.palette import SPLIT_COLOURS
from autodet.datasets.manifest import Dataset


def class_counts_figure(dataset: Dataset) -> go.Figure:
    """Boxes per class, stacked by split."""
    figure = go.Figure()
    names = [label(name) for name in dataset.classes]
    for split in dataset.splits:
        counts = [0] * len(names)
        for record in dataset.split(split):
            for class_id in record.annotations.class_ids.tolist():
                counts[class_id] += 1
        figure.add_trace(
            go.Bar(
                x=counts,
                hovertext=names,
                orientation="h",
                name=split,
                marker_color=SPLIT_COLOURS[split],
                hovertemplate=f"%{{hovertext}}, {split}: %{{x}} boxes<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", bargap=0.35)
    name_rows(figure, dataset.classes)
    return styled(figure, height=110 + 34 * len(names), x_title="boxes")
