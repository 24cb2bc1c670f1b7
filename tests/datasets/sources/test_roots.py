import pytest

from autodet.datasets.sources.roots import find_below_roots
from autodet.errors import DatasetError
from autodet.settings import load_settings


@pytest.fixture
def settings(tmp_path):
    for folder in ("open/fruit", "also", "secret"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "open" / "link").symlink_to(tmp_path / "secret")
    return load_settings({"AUTODET_DATA_ROOTS": f"{tmp_path / 'open'}:{tmp_path / 'also'}"})


def test_folders_below_a_root_are_found_by_either_name(tmp_path, settings):
    assert find_below_roots("fruit", settings) == tmp_path / "open" / "fruit"
    assert find_below_roots(f"{tmp_path}/open/fruit", settings) == tmp_path / "open" / "fruit"
    assert find_below_roots(str(tmp_path / "also"), settings) == tmp_path / "also"


@pytest.mark.parametrize(
    "text", ["{}/secret", "../secret", "link", "fruit/../../secret", "gone", "a\0b", "~", "x" * 5000]
)
def test_nothing_else_is_and_nobody_learns_what_there_is(tmp_path, settings, text):
    with pytest.raises(DatasetError, match=r"There is no .* below .*open"):
        find_below_roots(text.format(tmp_path), settings)


def test_without_roots_nothing_is_found(tmp_path):
    with pytest.raises(DatasetError, match="AUTODET_DATA_ROOTS"):
        find_below_roots(str(tmp_path), load_settings({}))
