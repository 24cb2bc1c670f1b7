"""Predict page: detection on uploaded photos and on those of a data set."""

from autodet.ui.common.choice import choose_model
from autodet.ui.common.frame import page
from autodet.ui.predict.dataset_photos import ask_for_dataset_photos
from autodet.ui.predict.gallery import show_predictions
from autodet.ui.predict.photos_form import ask_for_photos, predict

with page("predict", "Drop photos and see what the model finds on them."):
    model = choose_model()
    if model:
        photos = [*ask_for_photos(model), *ask_for_dataset_photos()]
        if photos:
            show_predictions(model, predict(model, photos))
