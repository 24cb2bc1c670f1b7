"""Label page: draw boxes, let a model propose them, and make a version of the labels."""

from autodet.ui.common.frame import page
from autodet.ui.label.sections import show_sections

with page("label", "Draw boxes around objects, or let a model propose them and correct what is wrong."):
    show_sections()
