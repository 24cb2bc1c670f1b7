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


@pytest.mark.parametrize(
    "folders",
    [
        ("01_train", "02_val", "03_test"),
        ("1-train", "2-valid", "3-test"),
        ("train_set", "val_set", "test_set"),
        ("Train Set", "Validation Set", "Test Set"),
        ("TrainImages", "ValImages", "TestImages"),
        ("data_train", "data_val", "data_test"),
        ("train80", "val10", "test10"),
        ("train", "val_images", "test_data"),
        ("train", "dev", "test"),
        ("train", "validation", "holdout"),
        ("train", "val", "eval"),
        ("训练集", "验证集", "测试集"),
        ("1.训练数据", "2.验证数据", "3.测试数据"),
        ("訓練", "驗證", "測試"),
        ("学習用データ", "検証用データ", "テストデータ"),
        ("訓練", "検証", "評価"),
        ("학습", "검증", "시험"),
        ("훈련 데이터", "검증 데이터", "테스트 데이터"),
        ("обучение", "валидация", "тест"),
        ("Обучающая", "Валидационная", "Тестовая"),
        ("eğitim", "doğrulama", "test"),
    ],
    ids=lambda folders: ascii(folders[0]),
)
def test_numbered_neutral_and_translated_folders(tmp_path, folders):
    def layout(tree):
        return laid_out(tree, "yolo", folders)

    layout.__name__ = "yolo"
    assert_imported(tmp_path, layout)


@pytest.mark.parametrize("folders", [("train", "car", "bus"), ("trains", "test tubes", "valves"), ("训练", "猫", "狗")])
def test_subjects_are_no_splits(tmp_path, folders):
    tree = Tree(tmp_path / "set")
    laid_out(tree, "voc", folders)
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert dataset.splits == {"train": 8, "val": 2, "test": 1}, "drawn"


@pytest.mark.parametrize(
    "lists", [("01_train.txt", "02_val.txt", "03_test.txt"), ("训练集.txt", "验证集.txt", "测试集.txt")]
)
def test_lists_called_like_splits(tmp_path, lists):
    tree = Tree(tmp_path / "set")
    names = [f"{number}.jpg" for number in range(6)]
    for name in names:
        tree.yolo(f"images/{name}", f"labels/{name[:-4]}.txt")
    tree.text("classes.txt", "cat\ndog\n")
    for name, part in zip(lists, (names[:3], names[3:5], names[5:]), strict=True):
        tree.text(name, "".join(f"images/{one}\n" for one in part))
    assert import_dataset(tree.root, workspace=workspace_in(tmp_path)).splits == {"train": 3, "val": 2, "test": 1}
