"""Predict page: detection on a visitor's photos and on those of a data set."""

from autodet.ui.common.choice import choose_model
from autodet.ui.common.frame import page
from autodet.ui.predict.photos_form import ask_for_photos
from autodet.ui.predict.results import predict

with page("predict", "Drop photos and see what the model finds on them."):
    model = choose_model(best=True)
    if model:
        predict(model, ask_for_photos(model))
