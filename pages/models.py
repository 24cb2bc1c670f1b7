"""Models page: list, upload and download of models."""

from autodet.ui.common.frame import page
from autodet.ui.models.model_list import offer_upload, show_models
from autodet.ui.models.registry import show_registry

with page("models", "Models trained here or uploaded. Each is one file, which you can download and use elsewhere."):
    offer_upload()
    show_registry()
    show_models()
