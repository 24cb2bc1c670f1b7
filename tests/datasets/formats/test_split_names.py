"""Folders of splits in other languages, in every format."""

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from tests.datasets.formats.layouts import Tree, assert_imported
from tests.helpers import workspace_in

FOLDERS = [
    ("treino", "validacao", "teste"),
    ("Treinamento", "Validação", "Testes"),
    ("entrenamiento", "validacio\N{COMBINING ACUTE ACCENT}n", "pruebas"),
    ("ENTRENO", "VALIDACIÓN", "PRUEBA"),
    ("entraînement", "validation", "test"),
    ("Trainingsdaten", "Validierung", "Testdaten"),
    ("addestramento", "validazione", "prova"),
]


def laid_out(tree, format, folders, above=""):
    """The same names in every split, so that labels find their photos by the split alone."""
    for folder, split, count in zip(folders, ("train", "val", "test"), (6, 3, 2), strict=True):
        names = [f"{number}.jpg" for number in range(count)]
        for number, name in enumerate(names):
            photo, label = f"{above}{folder}/{name}", f"{above}{folder}/{number}"
            if format == "voc":
                tree.voc(photo, f"{label}.xml", split)
            elif format == "yolo":
                tree.yolo(photo, f"{label}.txt", split=split)
            else:
                tree.photo(photo, split)
        if format == "coco":
            tree.coco(f"{above}{folder}/labels.json", names)
    if format == "yolo":
        tree.text("classes.txt", "cat\ndog\n")
    return {"splits": {"train": 6, "val": 3, "test": 2}}


@pytest.mark.parametrize("format", ["voc", "coco", "yolo"])
@pytest.mark.parametrize("folders", FOLDERS, ids=lambda folders: ascii(folders[0]))
def test_folders_of_splits_in_other_languages(tmp_path, format, folders):
    def layout(tree):
        return laid_out(tree, format, folders, "fotos/")

    layout.__name__ = format
    assert_imported(tmp_path, layout)


@pytest.mark.parametrize(
    "folders", [("prova", "prove", "teste"), ("a treino", "b validacao", "c teste"), ("teste", "cavalos", "gatos")]
)
def test_ordinary_words_are_no_splits(tmp_path, folders):
    tree = Tree(tmp_path / "prueba")
    laid_out(tree, "voc", folders)
    dataset = import_dataset(tree.root.parent, workspace=workspace_in(tmp_path / "home"))
    assert dataset.splits == {"train": 8, "val": 2, "test": 1}, "drawn"
