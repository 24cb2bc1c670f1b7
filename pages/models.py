"""What has been trained: figures, download, upload."""

from autodet.ui.frame import page
from autodet.ui.stock import offer_upload, show_models

with page("models", "What has been trained here or brought from elsewhere. One file carries a model anywhere."):
    offer_upload()
    show_models()
