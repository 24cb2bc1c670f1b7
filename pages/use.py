"""Use page: programs that use a model, with its files."""

from autodet.ui.common.choice import choose_model
from autodet.ui.common.frame import page
from autodet.ui.use.programs import show_programs

with page("use", "Call a model from your own programs, here or on another machine."):
    model = choose_model()
    if model:
        show_programs(model)
