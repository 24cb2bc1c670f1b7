"""Pascal VOC as tools and people really lay it out, each tree imported whole."""

import pytest

from tests.datasets.formats.layouts import assert_imported, layouts_of
from tests.helpers import draw_photo, voc_xml


def voc_devkit(tree):
    base = "VOCdevkit/VOC2012"
    for number in range(10):
        tree.voc(f"{base}/JPEGImages/2007_{number:06}.jpg", f"{base}/Annotations/2007_{number:06}.xml")
    tree.photo(f"{base}/JPEGImages/2007_000099.jpg")
    names = [f"2007_{number:06}" for number in range(9)]
    tree.text(f"{base}/ImageSets/Main/train.txt", "\n".join(names[:6]))
    tree.text(f"{base}/ImageSets/Main/val.txt", "\n".join(names[6:]))
    tree.text(f"{base}/ImageSets/Main/trainval.txt", "\n".join(names))
    tree.text(f"{base}/ImageSets/Main/dog_val.txt", "\n".join(f"{name}  1" for name in names))
    tree.text(f"{base}/ImageSets/Segmentation/val.txt", names[0])
    tree.photo(f"{base}/SegmentationClass/2007_000001.png")
    return {"splits": {"train": 6, "val": 3}, "kinds": {"photo_unlisted", "photo_unlabelled"}}


def voc_in_split_folders_of_an_exporter(tree):
    for split, count in (("train", 6), ("valid", 3), ("test", 2)):
        for number in range(count):
            tree.voc(f"{split}/{split}{number}_jpg.rf.0a.jpg", f"{split}/{split}{number}_jpg.rf.0a.xml")
    tree.text("README.roboflow.txt", "hello")
    return {"splits": {"train": 6, "val": 3, "test": 2}}


def voc_beside_images_in_lower_case(tree):
    for number in range(8):
        tree.voc(f"My Photos/images/road {number}.PNG", f"My Photos/annotations/road {number}.XML")
    return {"images": 8}


def voc_where_every_xml_names_the_same_photo(tree):
    for number in range(8):
        tree.photo(f"a{number}.jpg")
        tree.text(f"a{number}.xml", voc_xml("image.jpg", marks=[("dog", (4, 5, 34, 35))]))
    return {"images": 8}


def voc_beside_other_xml(tree):
    for number in range(8):
        tree.voc(f"a{number}.jpg", f"a{number}.xml")
    tree.text("pom.xml", "<project/>")
    return {"images": 8, "kinds": {"labels_foreign"}}


def voc_two_devkits_with_the_same_names(tree):
    for year, splits in (("2007", ("train", "train", "val", "test")), ("2012", ("val", "train", "train", "train"))):
        base = f"VOCdevkit/VOC{year}"
        for number, split in enumerate(splits):
            tree.voc(f"{base}/JPEGImages/{number:06}.jpg", f"{base}/Annotations/{number:06}.xml", split)
        for split in sorted(set(splits)):
            named = "".join(f"{number:06}\n" for number, one in enumerate(splits) if one == split)
            tree.text(f"{base}/ImageSets/Main/{split}.txt", named)
        for place in ("Layout", "Segmentation"):
            tree.text(f"{base}/ImageSets/{place}/val.txt", "000000\n000001\n")
        tree.text(f"{base}/ImageSets/Main/dog_train.txt", "000000 -1\n000001  1\n000002  0\n")
    return {"splits": {"train": 5, "val": 2, "test": 1}}


def voc_devkit_for_training_and_one_for_testing(tree):
    for base, split in (("VOCtrainval_06-Nov-2007", "train"), ("VOCtest_06-Nov-2007", "test")):
        root = f"{base}/VOCdevkit/VOC2007"
        for number in range(6):
            name = f"{split}{number}"
            tree.voc(f"{root}/JPEGImages/{name}.jpg", f"{root}/Annotations/{name}.xml", "test" * (split == "test"))
    tree.text("VOCtrainval_06-Nov-2007/VOCdevkit/VOC2007/ImageSets/Main/trainval.txt", "train0\ntrain1\ntrain2\ntrain3")
    tree.text("VOCtest_06-Nov-2007/VOCdevkit/VOC2007/ImageSets/Main/test.txt", "\n".join(f"test{n}" for n in range(6)))
    return {"splits": {"train": 3, "val": 1, "test": 6}, "kinds": {"photo_unlisted"}}


def voc_devkit_whose_lists_leave_many_photos_out(tree):
    for number in range(20):
        tree.voc(f"JPEGImages/{number:06}.jpg", f"Annotations/{number:06}.xml")
    tree.text("ImageSets/Main/train.txt", "\n".join(f"{number:06}" for number in range(8)))
    tree.text("ImageSets/Main/val.txt", "\n".join(f"{number:06}" for number in range(8, 12)))
    return {"splits": {"train": 8, "val": 4}, "kinds": {"photo_unlisted"}}


def voc_of_an_annotation_server(tree):
    for number in range(8):
        tree.voc(f"JPEGImages/a {number}.jpg", f"Annotations/a {number}.xml")
    tree.text("ImageSets/Main/default.txt", "".join(f"a {number}\n" for number in range(8)))
    tree.text("labelmap.txt", "# label:color_rgb:parts:actions\ndog:128,0,0::\n")
    return {"images": 8}


def voc_lists_of_paths_beside_the_folders(tree):
    for number in range(8):
        name, split = (f"a{number}", "train") if number < 6 else (f"b {number}", "val")
        tree.voc(f"set/JPEGImages/{name}.jpg", f"set/Annotations/{name}.xml", split)
    line = "./JPEGImages/a{0}.jpg ./Annotations/a{0}.xml\n"
    tree.text("set/train_list.txt", "".join(line.format(number) for number in range(6)))
    tree.text("set/val_list.txt", "b 6.jpg\r\nb 7.jpg\r\n")
    tree.text("set/label_list.txt", "dog\n")
    return {"splits": {"train": 6, "val": 2}}


def voc_lists_that_name_photos_twice(tree):
    for number in range(8):
        tree.voc(f"JPEGImages/{number}.jpg", f"Annotations/{number}.xml", "train" if number < 6 else "val")
    tree.text("ImageSets/Main/train.txt", "\n".join(str(number) for number in range(8)))
    tree.text("ImageSets/Main/val.txt", "6\n7\n")
    return {"splits": {"train": 6, "val": 2}, "kinds": {"split_twice"}}


def voc_lists_of_another_data_set(tree):
    for number in range(8):
        tree.voc(f"images/{number}.jpg", f"xml/{number}.xml")
    tree.text("ImageSets/Main/train.txt", "2007_000027\n2007_000032\n")
    return {"images": 8}


def voc_same_names_in_mirrored_folders(tree):
    for folder in ("cats", "dogs", "wolves"):
        for number in range(4):
            tree.photo(f"Images/{folder}/{number}.jpg")
            box = (folder, (4, 5, 34, 35))
            tree.text(f"Annotation/{folder}/{number}.xml", voc_xml(f"{number}.jpg", marks=[box]))
    return {"images": 12, "classes": ("cats", "dogs", "wolves")}


def voc_in_a_folder_within_a_folder_by_split(tree):
    for split, count in (("train", 6), ("test", 3)):
        for number in range(count):
            photo = f"fruit/{split}_zip/{split}/{split}_{number}.jpg"
            tree.voc(photo, photo.replace(".jpg", ".xml"), "test" * (split == "test"))
    tree.text("fruit/train_labels.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n")
    return {"splits": {"train": 5, "val": 1, "test": 3}}


def voc_folders_that_differ_in_a_word(tree):
    for split, count in (("train", 6), ("validation", 3)):
        for number in range(count):
            photo, xml = f"{split}_images/{split}{number}.jpeg", f"{split}_annotations/{split}{number}.xml"
            tree.voc(photo, xml, "val" if split == "validation" else "train")
    return {"splits": {"train": 6, "val": 3}}


def voc_annotations_by_split_for_photos_in_one_folder(tree):
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            tree.voc(f"images/{split}{number}.jpg", f"annotations/{split}/{split}{number}.xml", split)
    return {"splits": {"train": 6, "val": 3}}


def voc_names_that_are_stale(tree):
    for number in range(8):  # renamed after labelling: the file says the next photo's name
        tree.photo(f"{number}.jpg")
        marks = [("dog", (4, 5, 34, 35))] * (number % 2)
        tree.text(f"{number}.xml", voc_xml(f"{number + 1}.jpg", marks=marks))
    return {"images": 8, "boxes": 4}


def voc_photos_of_one_stem_in_two_endings(tree):
    for number in range(8):
        tree.voc(f"{number}.png", f"{number}.xml")
        draw_photo(seed=100 + number).save(tree.root / f"{number}.jpg")
    return {"images": 8, "kinds": {"photo_unlabelled"}}


def voc_files_without_ending(tree):
    for number in range(8):
        tree.voc(f"Images/n02-Dog/n02_{number}.jpg", f"Annotation/n02-Dog/n02_{number}", filename="%s")
    return {"images": 8}


def voc_parts_floats_swapped_corners_and_flags(tree):
    flags = "<pose>Left</pose><truncated>1</truncated><difficult>1</difficult>"
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"
    for number in range(8):
        xml = voc_xml("gone", marks=[("dog", (34.0, 35, 4, 5.0) if number == 3 else (4, 5.0, 34, 35.0))])
        tree.photo(f"images/{number}.jpg")
        tree.text(f"annotations/{number}.xml", xml.replace("<bndbox>", f"{flags}{part}<bndbox>", 1))
    return {"images": 8, "difficult": 8, "truncated": 8, "kinds": {"box_swapped"}}


def voc_in_other_encodings(tree):
    declared = "<?xml version='1.0' encoding='{}'?>"
    for number, (encoding, said) in enumerate(
        [("utf-16", "utf-16"), ("utf-8-sig", "utf-8"), ("gb2312", "gb2312"), ("utf-8", "UTF-8"), ("gbk", "GBK")]
    ):
        tree.photo(f"{number}.jpg")
        xml = voc_xml(f"{number}.jpg", marks=[("狗", (4, 5, 34, 35))]).replace("><", ">\r\n<")
        tree.text(f"{number}.xml", declared.format(said) + xml, encoding)
    tree.photo("5.jpg")
    tree.text(
        "5.xml", "\n" + declared.format("utf-8") + voc_xml("5.jpg", marks=[("Häschen", (4, 5, 34, 35))]), "latin-1"
    )
    return {"images": 6, "classes": ("Häschen", "狗")}


def voc_sizes_that_are_missing(tree):
    for number in range(8):
        tree.photo(f"{number}.jpg")
        xml = voc_xml(f"{number}.jpg", marks=[("dog", (4, 5, 34, 35))])
        tree.text(f"{number}.xml", xml[: xml.index("<size>")] + xml[xml.index("</size>") + 7 :])
    return {"images": 8, "kinds": {"size_missing"}}


def voc_names_decomposed_by_a_mac(tree):
    for number in range(8):
        tree.photo(f"Ko\u0308ter {number}.JPG")
        tree.text(f"K\u00f6ter {number}.XML", voc_xml("", marks=[("dog", (4, 5, 34, 35))]))
    return {"images": 8}


def voc_of_pets(tree):
    for number in range(9):
        tree.voc(f"images/cat_{number}.jpg", f"annotations/xmls/cat_{number}.xml", "test" * (number > 5))
        tree.photo(f"annotations/trimaps/cat_{number}.png")
    tree.text("annotations/trainval.txt", "".join(f"cat_{number} 1 1 1\n" for number in range(6)))
    tree.text("annotations/test.txt", "".join(f"cat_{number} 1 1 1\n" for number in range(6, 9)))
    tree.text("annotations/list.txt", "#Image CLASS-ID SPECIES BREED ID\ncat_0 1 1 1\n")
    return {"splits": {"train": 5, "val": 1, "test": 3}, "kinds": {"photo_unlabelled"}}


@pytest.mark.parametrize("layout", layouts_of(globals()), ids=lambda layout: layout.__name__)
def test_a_layout_is_imported_whole(tmp_path, layout):
    assert_imported(tmp_path, layout)
