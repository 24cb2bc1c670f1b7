"""Titles and explanations of the kinds of findings, and labels of the actions that a user can choose."""

from collections.abc import Mapping
from dataclasses import dataclass

from autodet.records import MAX_LOST_SHARE, Action


@dataclass(frozen=True)
class KindText:
    """The words for a kind of finding.

    Attributes:
        title: Title, in the plural.
        why: One sentence on why it matters.
        actions: Labels of the available actions.
    """

    title: str
    why: str
    actions: Mapping[Action, str]


KIND_TEXTS: Mapping[str, KindText] = {
    "text_encoding": KindText(
        "Text files that are not in UTF-8",
        "Their encoding was guessed from their words; with a wrong guess, names of classes would be wrong.",
        {"keep": "Use the names as read"},
    ),
    "unreadable_photo": KindText(
        "Photos that cannot be read",
        "A detector cannot learn from a photo that is cut short, damaged, or no photo at all.",
        {"drop": "Leave the photo out"},
    ),
    "photo_missing": KindText(
        "Labels without their photo",
        "The labels name a photo that is not there: it may be missing, or have another name.",
        {"drop": "Leave the labels out"},
    ),
    "labels_damaged": KindText(
        "Label files that cannot be read",
        "The labels of these photos cannot be read, so the photos cannot be used.",
        {"drop": "Leave the photo out"},
    ),
    "labels_foreign": KindText(
        "Skipped files",
        "They belong to photos that are not here, have an unsupported format, or are predictions of a detector.",
        {"drop": "Skip the file"},
    ),
    "file_skipped": KindText(
        "Files that were not unpacked",
        "Links, devices and archives of other formats are not read; the files that they stand for are missing.",
        {"drop": "Leave the file out"},
    ),
    "labels_twice": KindText(
        "Photos with two sets of labels",
        "Two versions of the same labels would count each object twice, so one is used; other objects are added.",
        {"drop": "Count each object once"},
    ),
    "labels_disagree": KindText(
        "Photos with contradicting labels",
        "Several files describe the same photo with different boxes; with the wrong one, objects would be missing.",
        {"stop": "Do not import", "fix": "Join the boxes of all files", "keep": "Use the file that is named first"},
    ),
    "labels_shared": KindText(
        "Different photos with one label file",
        "The labels can be right for only one of these photos, unless they show the same scene.",
        {"stop": "Do not import", "keep": "Use the labels for all of them", "drop": "Leave these photos out"},
    ),
    "split_twice": KindText(
        "Photos in two splits",
        "Photos in both training and test are data leakage: metrics would look better than they are.",
        {"fix": "Keep each photo in one split"},
    ),
    "photo_unlisted": KindText(
        "Photos that no list of a split names",
        "The data set's own lists leave these photos out: on purpose, or because photos came after the lists.",
        {"drop": "Leave the photo out", "keep": "Put it into train"},
    ),
    "train_unnamed": KindText(
        "Photos that no split names",
        "The data set says which photos are for testing, but not which are for training.",
        {"keep": "Train on all other photos"},
    ),
    "photo_unlabelled": KindText(
        "Photos without labels",
        "They may show no object, or still lack labels; a detector trained on those would learn to miss objects.",
        {"drop": "Leave the photo out", "keep": "Keep it as a photo without objects"},
    ),
    "label_file_missing": KindText(
        "Photos without a label file",
        "In YOLO, such a photo shows no object, unless its label file is missing by mistake.",
        {"keep": "Keep it as a photo without objects"},
    ),
    "box_damaged": KindText(
        "Annotations that cannot be read",
        "An annotation needs the four numbers of a box and a class.",
        {"drop": "Leave the annotation out"},
    ),
    "class_unknown": KindText(
        "Annotations of a class without a name",
        "The labels use a class that the list of classes does not name.",
        {"drop": "Leave the annotation out"},
    ),
    "names_missing": KindText(
        "Classes without names",
        "The labels use class numbers, and no file names them.",
        {"keep": "Call them class_0, class_1 and so on"},
    ),
    "names_differ": KindText(
        "Files that name the classes differently",
        "They are about the same photos, and with the wrong one each class would be called by another's name.",
        {"stop": "Do not import", "keep": "Use the file named first, or for separate folders the list of each"},
    ),
    "classes_shifted": KindText(
        "Class names that may be shifted by one",
        "One file counts classes from 0 and the other from 1, so each object may get the name of a neighbouring class.",
        {"stop": "Do not import", "fix": "Move the numbers by one to fit the names", "keep": "Keep them as written"},
    ),
    "names_read": KindText(
        "Class names in another notation",
        "The file does not write its names as YOLO does; check that they were read correctly.",
        {"keep": "Use the names that were read"},
    ),
    "rows_read": KindText(
        "Rows with more than a box",
        "Programs write confidences, track ids, keypoints and outlines in the same rows; all rows together tell which.",
        {"keep": "Read them like this"},
    ),
    "rows_ambiguous": KindText(
        "Labels that are a box or an outline",
        "The numbers fit a box with points as well as an outline, and each reading gives other boxes.",
        {
            "stop": "Do not import",
            "box": "Read the first four numbers as a box",
            "polygon": "Take the box around the points",
        },
    ),
    "rows_turned": KindText(
        "Boxes that may be turned",
        "A number follows each box. If it is the angle of a turned box, the upright box around the object is larger.",
        {
            "stop": "Do not import",
            "turned": "Take the upright box around the turned one",
            "box": "Ignore the number after the box",
        },
    ),
    "attribute_chosen": KindText(
        "Attributes chosen as class",
        "The labelling program has attributes of any name, and does not say which one is the class.",
        {"keep": "Use this attribute"},
    ),
    "attribute_unclear": KindText(
        "Attributes that may all be the class",
        "With the wrong attribute, a detector would learn colours or states instead of kinds of objects.",
        {"stop": "Do not import", "keep": "Use the attribute that is named first"},
    ),
    "classes_several": KindText(
        "Objects with several classes",
        "A detector gives each box one class, so each class gets a box of its own.",
        {"keep": "Make a box for each class"},
    ),
    "shapes_skipped": KindText(
        "Shapes without area",
        "Points and lines have no box, so a detector cannot learn from them.",
        {"drop": "Leave them out"},
    ),
    "shapes_grouped": KindText(
        "Objects of several outlines",
        "An object that is partly covered has several outlines of one group, and a detector learns it as one box.",
        {"fix": "Make one box for each object", "keep": "Make a box for each outline"},
    ),
    "shapes_hulled": KindText(
        "Turned boxes",
        "A detector finds upright boxes, which hold more background than turned ones.",
        {"fix": "Take the upright box around each"},
    ),
    "box_set_aside": KindText(
        "Boxes that only another version of the labels has",
        "Of several versions one counts: a mixture would bring back boxes that were removed or moved.",
        {"drop": "Leave the box out"},
    ),
    "box_no_area": KindText(
        "Boxes without area",
        "A box that is thinner than a pixel shows no object.",
        {"drop": "Leave the box out"},
    ),
    "box_outside": KindText(
        "Boxes that reach beyond their photo",
        "Many boxes outside their photos mean that labels and photos do not belong together.",
        {"fix": "Cut the box to the photo", "drop": "Leave the box out"},
    ),
    "box_notation": KindText(
        "Boxes in another notation",
        "A box is four numbers. Here they do not seem to follow the format, and would mark the wrong places.",
        {
            "stop": "Do not import",
            "keep": "Read them as the format says",
            "corners": "Read them as two corners",
            "top_left": "Read them as the top left corner and the size",
            "center": "Read them as the center and the size",
        },
    ),
    "boxes_reread": KindText(
        "Boxes read in another notation",
        "Other numbers of the labels show that a box does not follow the format.",
        {"fix": "Read them as those numbers show"},
    ),
    "box_swapped": KindText(
        "Boxes with swapped corners",
        "The second corner lies above or left of the first; both still mark the same box.",
        {"fix": "Swap the corners", "drop": "Leave the box out"},
    ),
    "box_duplicate": KindText(
        "Duplicate boxes",
        "A detector finds an object once, so the second box would count as missed (a false negative).",
        {"drop": "Leave the second one out", "keep": "Keep both"},
    ),
    "box_tiny": KindText(
        "Very small boxes",
        "They are less than 8 pixels wide or high at the size that photos are trained at, and hard to learn.",
        {"keep": "Keep the box", "drop": "Leave the box out"},
    ),
    "photo_crowded": KindText(
        "Photos with very many boxes",
        "A detector finds at most 100 objects in a photo, and all others count as missed; cut such photos into parts.",
        {"keep": "Keep the photo"},
    ),
    "wrong_ending": KindText(
        "Photos with a wrong file extension",
        "Programs that trust a file's name would fail on them; autodet checks the content.",
        {"fix": "Store it with the right extension"},
    ),
    "photo_converted": KindText(
        "Photos in formats that are converted",
        "Browsers do not show them, or training reads them slowly; the pixels, their number and the boxes stay.",
        {"fix": "Store a PNG or JPEG of it"},
    ),
    "turned": KindText(
        "Photos that lie on their side",
        "The labels are for the photo as the camera stored it, but people see it turned by its EXIF orientation.",
        {"fix": "Turn the boxes with the photo", "keep": "Leave the boxes as they are"},
    ),
    "turned_upright": KindText(
        "Boxes of upright photos",
        "The labels state the size of the photo as the camera stored it, but some boxes fit only the upright photo.",
        {"keep": "Leave the boxes as they are", "fix": "Turn the boxes with the photo"},
    ),
    "turned_half": KindText(
        "Photos that EXIF turns upside down",
        "The camera noted how to turn these photos (EXIF). Boxes may have been drawn before or after turning.",
        {"stop": "Do not import", "fix": "Turn the boxes with the photo", "keep": "Leave the boxes as they are"},
    ),
    "turned_unclear": KindText(
        "Photos that lie on their side, or not",
        "Some boxes fit only the photo as the camera stored it, others only the upright photo.",
        {"stop": "Do not import", "fix": "Turn the boxes with the photo", "keep": "Leave the boxes as they are"},
    ),
    "size_missing": KindText(
        "Labels without a size",
        "The labels do not say how large their photo is, so nothing shows that the two belong together.",
        {"keep": "Use the photo's own size"},
    ),
    "size_resized": KindText(
        "Photos that were resized after labelling",
        "The stated size has the shape of the photo, and all boxes fit it; the boxes belong to that size.",
        {"fix": "Scale the boxes to the photo", "keep": "Leave the boxes as they are", "drop": "Leave the photo out"},
    ),
    "size_mismatch": KindText(
        "Labels that state a wrong size",
        "The boxes fit the photo, and reach beyond the size that the labels state.",
        {"keep": "Leave the boxes as they are", "fix": "Scale the boxes to the photo", "drop": "Leave the photo out"},
    ),
    "size_unclear": KindText(
        "Labels for a photo of another size",
        "Either the stated size is wrong, or the photo was resized, cropped or turned after its boxes were drawn.",
        {
            "stop": "Do not import",
            "fix": "Scale the boxes to the photo",
            "keep": "Leave the boxes as they are",
            "drop": "Leave the photo out",
        },
    ),
    "copy_unlabelled": KindText(
        "Unlabelled copies of labelled photos",
        "The same photo is there with labels; its copy without labels would teach the detector to miss its objects.",
        {"drop": "Leave the unlabelled copy out", "keep": "Keep it as a photo without objects"},
    ),
    "copies_disagree": KindText(
        "Copies of a photo with different labels",
        "Each copy would teach the detector to miss what only the other copy marks.",
        {"stop": "Do not import", "fix": "Join the boxes of all copies", "keep": "Keep the copies as they are"},
    ),
    "class_spelling": KindText(
        "Classes spelled in two ways",
        "Names that differ only in capital letters or spaces are almost always one class; two would share its photos.",
        {"fix": "Use the more frequent spelling", "keep": "Keep two classes"},
    ),
    "class_empty": KindText(
        "Classes without boxes",
        "A detector cannot learn a class without boxes; the list of classes may be longer than the labelled ones.",
        {"drop": "Leave the class out"},
    ),
    "class_rare": KindText(
        "Classes with few boxes",
        "A class needs about ten boxes to be found at all, and a hundred to be found well.",
        {"keep": "Keep the class", "drop": "Leave its boxes out"},
    ),
    "class_missing": KindText(
        "Classes that a split lacks",
        "The model cannot be evaluated on such a class in that split.",
        {"keep": "Keep the class", "drop": "Leave its boxes out"},
    ),
    "class_untaught": KindText(
        "Classes that train lacks",
        "A detector cannot find a class that is missing from its training photos.",
        {"keep": "Keep the class", "drop": "Leave its boxes out"},
    ),
    "splits_disagree": KindText(
        "Splits with different classes",
        "If many boxes are of classes that train lacks, the splits probably call the same thing by different names.",
        {"stop": "Do not import", "keep": "Import it anyway"},
    ),
    "class_similar": KindText(
        "Classes with similar names in merged data sets",
        "Singular and plural are probably one class; as two, each would be missing from the other's photos.",
        {"stop": "Do not merge", "fix": "Join them under the first name", "keep": "Keep two classes"},
    ),
    "class_partial": KindText(
        "Classes that only some of the merged data sets label",
        "A detector takes objects without a box for background, and would learn to miss the class.",
        {"stop": "Do not merge", "keep": "Merge anyway: the other photos do not show it"},
    ),
    "datasets_disagree": KindText(
        "Photos that merged data sets label differently",
        "The same photo is in both data sets with other boxes; with the wrong ones, objects would be missing.",
        {
            "stop": "Do not merge",
            "fix": "Join the boxes of both",
            "keep": "Use the boxes of the data set that is named first",
            "drop": "Leave the photo out",
        },
    ),
    "photo_leak": KindText(
        "Near-duplicates between merged data sets",
        "Photos that look alike in training and test are data leakage: metrics look better than they are.",
        {"stop": "Do not merge", "drop": "Leave the one in train out", "keep": "Keep both"},
    ),
    "photo_copies": KindText(
        "Duplicate photos",
        "Copies for training and for testing make a model look better than it is. Splits that autodet draws keep "
        "copies together, where they do no harm.",
        {"keep": "Keep the copies", "drop": "Leave the copies out"},
    ),
    "photo_alike": KindText(
        "Near-duplicates in different splits",
        "Photos that look alike in training and test are data leakage: metrics look better than they are.",
        {"keep": "Keep both", "drop": "Leave the one in train out"},
    ),
    "large_loss": KindText(
        "Large loss of data",
        f"More than {MAX_LOST_SHARE:.0%} of the labelled photos or boxes cannot be used; see why before you continue.",
        {"stop": "Do not import", "keep": "Import the rest"},
    ),
    "large_download": KindText(
        "Large downloads",
        "Gigabytes take time and disk space, and some networks charge for them.",
        {"stop": "Do not download it", "keep": "Download it"},
    ),
    "unlabelled": KindText(
        "Photos without any labels",
        "Label the photos here: the page Label is the next step, and a model can propose the boxes there. If there "
        "should be labels, put them beside the photos and import again.",
        {"keep": "Import the photos, and label them here"},
    ),
    "photo_waiting": KindText(
        "Photos that wait to be labelled",
        "A training would take them for photos without objects. Label them, and make a version of the labels.",
        {"keep": "Keep them"},
    ),
    "no_boxes": KindText(
        "No boxes at all",
        "A detector learns from boxes; without any there is nothing to learn.",
        {"stop": "Do not import"},
    ),
    "no_validation": KindText(
        "No photos for validation",
        "A search chooses its best epoch on photos that it is not trained on.",
        {"keep": "Import anyway"},
    ),
    "split_unmarked": KindText(
        "Splits without boxes",
        "Without boxes, train has nothing to learn from, and no trial or model can be evaluated on val or test.",
        {"keep": "Import anyway"},
    ),
}
