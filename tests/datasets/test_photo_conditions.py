from PIL import Image, ImageFilter

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.photo_conditions import kept_conditions, measure_conditions, measure_photos
from tests.helpers import draw_photo, write_labelled


def measured(folder, photo):
    photo.save(folder / "photo.png")
    return measure_conditions(folder / "photo.png")


def test_a_black_photo_is_dark_and_a_white_one_bright(tmp_path):
    assert measured(tmp_path, Image.new("RGB", (40, 30))).brightness == 0
    assert measured(tmp_path, Image.new("RGB", (2000, 30), "white")).brightness == 1


def test_a_blurred_photo_is_less_sharp(tmp_path):
    photo = draw_photo((300, 200))
    blurred = photo.filter(ImageFilter.GaussianBlur(3))
    assert measured(tmp_path, blurred).sharpness < 0.3 * measured(tmp_path, photo).sharpness
    assert measured(tmp_path, Image.new("RGB", (1, 5), "red")).sharpness == 0


def test_photos_of_a_data_set_are_measured_once(workspace, tmp_path):
    for seed in range(3):
        write_labelled(tmp_path / "fruit", f"photo_{seed}", seed=seed)
    data = import_dataset(tmp_path / "fruit", "fruit", workspace=workspace)
    assert kept_conditions(data, data.images) is None
    done = []
    measured = measure_photos(data, data.images[:2], lambda *counts: done.append(counts))
    assert done == [(1, 2), (2, 2)]
    assert measured == [measure_conditions(data.photo(record)) for record in data.images[:2]]
    assert kept_conditions(data, data.images) is None
    measure_photos(data, data.images)
    for record in data.images:
        data.photo(record).unlink()
    assert measure_photos(data, data.images)[:2] == measured  # from the disk
    (data.folder / "conditions.json").write_text("[1]")
    assert kept_conditions(data, data.images) is None
