"""Names of split files and folders."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

from autodet.records import Split

SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "valset": "val",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
# Some of these are ordinary words too ("prova" is also a try, "teste" are also heads) and name unrelated folders,
# so they count only as a folder's whole name, and only beside a folder of another split.
WORDS_OF_OTHER_LANGUAGES: dict[Split, str] = {
    "train": "entrenamiento entreno treino treinamento entrainement apprentissage trainingsdaten trainingsmenge "
    "addestramento trainval traindev egitim egitme ogrenme trening treningowy treningowe treningowa uczenie uczacy "
    "trenovaci trenink oefen opleiding tanito traning trenings antrenament "
    "обучение обучающая обучающие обучаюшая тренировка тренировочная тренировочные трейн трень навчання навчальна "
    "训练 訓練 学习 学習 トレーニング 훈련 학습 트레이닝",
    "val": "validacion validacao validierung validierungsdaten validazione validatie walidacja walidacyjny walidacyjne "
    "walidacyjna validace validacni dogrulama gecerleme validalo validering validare dev devel eval evaluation "
    "валидация валидационная валидационные проверка проверочная валидаціиная валидація вал валидации "
    "验证 校验 驗證 検証 バリデーション 검증 밸리데이션",
    "test": "prueba pruebas teste testes testdaten testmenge prova prove holdout testowy testowe testowa testovaci "
    "testes sinama deneme "
    "тест тестовая тестовые тестирование тестова тестування "
    "测试 測試 评估 評估 評価 テスト 시험 테스트 평가",
}
_OTHER_LANGUAGES = {word: split for split, words in WORDS_OF_OTHER_LANGUAGES.items() for word in words.split()}
# Words beside a split's that say nothing about the photos; other words must be the same in folders of other splits.
_NEUTRAL = re.compile(
    r"(?:images?|imgs?|pics?|pictures?|photos?|frames?|data|datasets?|sets?|splits?|subsets?|samples?|labels?|"
    r"annotations?|lists?|files?|names?|only|new|final|jpe?g|png|\d+|%)"
)
_EAST_ASIAN_NEUTRAL = re.compile(
    r"用|集合|数据集|數據集|資料集|数据|數據|資料|图片|圖片|图像|圖像|影像|样本|樣本|集|"
    r"データセット|データ|セット|画像|데이터셋|데이터|이미지|사진|세트|셋|용|\s"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")  # splits camelCase and snake_case into words
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+|%")


def split_words(name: str) -> list[Split]:
    """Return the splits that the words of a name denote, in order."""
    return [SPLIT_WORDS[word] for word in map(str.lower, _WORDS.findall(name)) if word in SPLIT_WORDS]


def without_split_words(name: str) -> str:
    """Replace the words that denote a split with ``*``."""
    return _WORDS.sub(lambda word: "*" if word[0].lower() in SPLIT_WORDS else word[0], name)


def split_called(name: str) -> Split | None:
    """Return the split that a folder is named after, with or without a year: ``train``, ``val2017``."""
    return SPLIT_WORDS.get(re.sub(r"(19|20)\d\d$", "", name.lower()))


def split_of_list(name: str) -> Split | None:
    """Return the split that a list of photos is named after: ``train.txt``, ``01_train.txt``, ``训练集.txt``."""
    stem = name.rpartition(".")[0] or name
    return split_called(stem) or _neutral_split(stem)


def splits_beside_others(folders: Iterable[str]) -> dict[str, Split]:
    """Return the splits of folders whose names denote one only because a folder beside them belongs to another.

    The other words of such names are neutral (``01_train`` beside ``test_images``) or the same (``cats_train`` beside
    ``cats_test``). The names may be in another language (``treino`` beside ``teste``), with or without accents.
    """
    alike: dict[tuple[str, str], dict[str, Split]] = defaultdict(dict)
    for folder in folders:
        parent, _, name = folder.rpartition("/")
        if split := _neutral_split(name):
            alike[parent, "*"][folder] = split
        elif len(words := split_words(name)) == 1:
            alike[parent, re.sub(r"\d+", "#", without_split_words(name)).lower()][folder] = words[0]
    differing = [_evaluated(found) for found in alike.values() if len(set(found.values())) > 1]
    return {folder: split for found in differing for folder, split in found.items()}


def subjects_called_like_splits(folders: Iterable[str]) -> set[str]:
    """Return the folders called ``train`` whose photos show trains: they lie beside folders of other subjects only."""
    names: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        parent, _, name = folder.rpartition("/")
        names[parent].append(name)
    subjects = set()
    for parent, beside in names.items():
        others = [name for name in beside if name.lower() != "train" and not _neutral_part(name)]
        if len(others) > 1 and not any(map(_any_split, others)):
            subjects |= {f"{parent}/{name}".lstrip("/") for name in beside if name.lower() == "train"}
    return subjects


def _any_split(name: str) -> bool:
    return bool(split_called(name) or _neutral_split(name) or split_words(name))


def _neutral_part(name: str) -> bool:
    """Return whether a folder is named like a part of a data set, rather than a subject."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    return name.startswith(".") or all(map(_NEUTRAL.fullmatch, parts))


def _neutral_split(name: str) -> Split | None:
    """Return the split that the only word of a name denotes, apart from neutral ones."""
    parts = [part.casefold() for part in _PARTS.findall(_without_accents(name))]
    plain = [_EAST_ASIAN_NEUTRAL.sub("", part) for part in parts if not _NEUTRAL.fullmatch(part)]
    words = [part for part in plain if part]
    return (SPLIT_WORDS.get(words[0]) or _OTHER_LANGUAGES.get(words[0])) if len(words) == 1 else None


def _evaluated(found: dict[str, Split]) -> dict[str, Split]:
    """Read ``eval`` as the test split if another folder is the validation split."""
    evals = {folder for folder in found if "eval" in folder.rpartition("/")[2].lower()}
    splits = Counter(split for folder, split in found.items() if folder not in evals)
    if not splits["val"] or splits["test"]:
        return found
    return {folder: "test" if folder in evals else split for folder, split in found.items()}


def _without_accents(name: str) -> str:
    if name.isascii():
        return name
    parts = unicodedata.normalize("NFD", name.replace("ı", "i"))
    plain = "".join(part for part in parts if not (unicodedata.combining(part) and part not in "\u3099\u309a"))
    return unicodedata.normalize("NFC", plain)
