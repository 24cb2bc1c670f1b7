"""Label files in legacy encodings, whose names of classes must come out right."""

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.sources.legacy_encodings import find_encoding, words_of
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import voc_xml, workspace_in

# None of these words is among the samples of languages.txt.
NAMES = [
    ("gbk", "安全帽 行人"),
    ("gbk", "钢筋 裂纹 蘑菇 救护车"),
    ("cp950", "計程車 救護車 積水"),
    ("cp950", "貓 行人"),
    ("cp932", "りんご みかん"),
    ("cp932", "自転車 ひび割れ 猫"),
    ("euc_jp", "りんご 自転車 たぬき"),
    ("cp949", "고양이 자동차"),
    ("cp949", "사과 킥보드"),
    ("cp1251", "кошка собака"),
    ("cp1251", "ЧЕЛОВЕК"),
    ("cp1251", "їжачок ялинка вантажний"),
    ("cp866", "кошка собака грузовик"),
    ("cp1252", "Öl Schlüssel"),
    ("cp1252", "Löschfahrzeug"),
    ("cp1252", "vélomoteur hérisson"),
    ("cp1252", "cañón plátanos"),
    ("cp1252", "limões pêra gavião"),
    ("cp1252", "björn fågelbo"),
    ("cp1250", "jabłko gołąb ręka"),
    ("cp1250", "kočka nákladní hřebík"),
    ("cp1250", "fűnyíró gyümölcs kőműves"),
    ("cp1254", "ağaç köpek çekirge"),
    ("cp1253", "γάτα σκύλος"),
    ("cp1255", "חתול מכונית"),
    ("cp1256", "سيارة شجرة"),
    ("cp1257", "obuolys žmogus ąžuolas"),
    ("cp874", "แมว คนเดินเท้า"),
    ("utf-16", "猫 行人"),
    ("utf-16-le", "cat 行人 dog"),
    ("utf-16-be", "cat dog bird"),
    ("utf-8-sig", "猫 cat"),
    ("utf-8", "Öl été"),
    ("utf-8", "кошка"),
]


@pytest.mark.parametrize(("encoding", "names"), NAMES)
def test_names_of_classes_in_their_encoding(tmp_path, encoding, names):
    tree = Tree(tmp_path / "set")
    names = names.split()
    for number in range(4):
        tree.yolo(f"{number}.jpg", f"{number}.txt", "".join(f"{one} .5 .5 .2 .2\n" for one in range(len(names))))
    tree.text("classes.txt", "\r\n".join(names) + "\r\n", encoding)
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert dataset.classes == tuple(sorted(names))
    guessed = [finding for finding in dataset.findings if finding.kind == "text_encoding"]
    assert len(guessed) == (not encoding.startswith("utf"))
    for finding in guessed:
        assert dataset.findings[0] is finding
        assert "classes.txt" in problem_sentence(finding) and names[-1] in problem_sentence(finding)


def voc(tree, names, encoding, declaration=""):
    for number, name in enumerate(names):
        tree.photo(f"{number}.jpg")
        tree.text(f"{number}.xml", declaration + voc_xml(f"{number}.jpg", marks=[(name, (4, 5, 34, 35))]), encoding)


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="utf-8"?>', "<?xml version='1.0'?>"])
def test_a_file_that_is_utf_8_by_accident_is_in_the_encoding_of_the_others(tmp_path, declaration):
    tree = Tree(tmp_path / "set")
    voc(tree, ["猫", "行人", "猫", "安全帽"], "gbk", declaration)
    assert import_dataset(tree.root, workspace=workspace_in(tmp_path)).classes == ("安全帽", "猫", "行人")


def test_files_in_utf_8_beside_others_stay_utf_8(tmp_path):
    tree = Tree(tmp_path / "set")
    voc(tree, ["猫", "行人", "été", "кошка"], "utf-8")
    tree.photo("9.jpg")
    tree.text("9.xml", voc_xml("9.jpg", marks=[("安全帽", (4, 5, 34, 35))]), "gbk")
    found = import_dataset(tree.root, workspace=workspace_in(tmp_path)).classes
    assert set(found) == {"安全帽", "猫", "行人", "été", "кошка"}


def test_an_encoding_that_the_xml_states_counts(tmp_path):
    tree = Tree(tmp_path / "set")
    voc(tree, ["猫", "猫", "猫"], "gbk", '<?xml version="1.0" encoding="GB2312"?>')
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert dataset.classes == ("猫",)
    assert "text_encoding" not in {finding.kind for finding in dataset.findings}


def test_names_of_files_are_evidence():
    words = words_of("鹿".encode("euc_jp"))
    assert find_encoding(words).encoding == "gb18030"
    assert find_encoding(words, ["かわいい鹿の写真"]).encoding == "euc_jp"
