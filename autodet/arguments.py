"""Command-line arguments: declaration and validation."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from autodet.datasets.checks.kinds import KINDS
from autodet.datasets.formats.format_detection import FORMATS
from autodet.datasets.label_layouts import LAYOUTS
from autodet.datasets.versions.photo_groups import RULES
from autodet.errors import AutodetError
from autodet.inference.prediction_exports import EXPORTS
from autodet.records import DEFAULT_THRESHOLD, SPLITS
from autodet.search.order.options import OPTIONS, Option
from autodet.search.order.space import PARAMETERS, Range, parse_tried

MAX_PORT = 65535


class Parser(argparse.ArgumentParser):
    """Argument parser that raises its errors as sentences, like the rest of autodet."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments; refuse unknown ones here, so that the error names the command that they stand behind."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        """Raise the error; ``autodet.cli.main`` prints it."""
        raise AutodetError(f"{message[:1].upper()}{message[1:]}; see '{self.prog} --help'.")


def add_app(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``app``: port and browser."""
    parser.add_argument("--port", type=port, help="the TCP port (default 8501)")
    parser.add_argument("--no-browser", action="store_true", help="only serve the app, as a service does")


def add_import(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``import``: those of a source, and a name."""
    add_source(parser)
    parser.add_argument("--name", help="name of the data set (default: the source's name)")


def add_source(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a source: format, S3 access and decisions on findings."""
    words = "a zip, a folder, an s3:// address, or a sample: sample (drawn here) or motorbikes (from a public bucket)"
    parser.add_argument("source", metavar="SOURCE", help=words)
    parser.add_argument(
        "--format", choices=("auto", *FORMATS), default="auto", help="format of the labels (default: detect it)"
    )
    parser.add_argument(
        "--seed", type=whole_number, default=0, help="seed of the split, if the source has none (default 0)"
    )
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--anonymous", action="store_true", help="S3: read a public bucket, without keys")
    keys.add_argument(
        "--profile", metavar="NAME", help="S3: AWS profile with the keys (default: the machine's own keys)"
    )
    parser.add_argument(
        "--endpoint", metavar="URL", help="S3: one of the servers in AUTODET_S3_ENDPOINT (default: the first)"
    )
    parser.add_argument(
        "--add-to", metavar="DATASET", help="add the photos to a data set: make a new version of it with them"
    )
    _add_map(parser, "OLD=NEW", "with --add-to: another name for a class of SOURCE, or '' to leave it out, repeatable")
    _add_decide(parser)


def _add_decide(parser: argparse.ArgumentParser) -> None:
    kinds = "; ".join(f"{name}: {', '.join(kind.actions)}" for name, kind in KINDS.items() if len(kind.actions) > 1)
    parser.add_argument(
        "--decide",
        metavar="KIND=ACTION",
        type=_decision,
        action="append",
        default=[],
        help=f"action for a kind of finding, repeatable (default: the first action listed); {kinds}",
    )


def _add_map(parser: argparse.ArgumentParser, metavar: str, words: str) -> None:
    parser.add_argument("--map", metavar=metavar, type=_new_name, action="append", default=[], help=words)


def add_merge(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``merge``: data sets, class names, splits and decisions."""
    words = "a data set's id or name, at least two; they are not changed, and the first decides how classes are spelled"
    parser.add_argument("datasets", metavar="DATASET", nargs="+", help=words)
    parser.add_argument("--name", help="name of the result (default: the names of the data sets)")
    words = "another name for a class of DATASET (of all, without DATASET:), or '' to leave it out, repeatable"
    _add_map(parser, "[DATASET:]OLD=NEW", words)
    _add_splits(parser)
    _add_decide(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the result, and store nothing")


def add_derive(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``derive``: data set and changes."""
    parser.add_argument("dataset", metavar="DATASET", help="a data set's id or name; the data set is not changed")
    parser.add_argument("--name", help="name of the version (default: the data set's name with a number)")
    parser.add_argument(
        "--rename",
        metavar="OLD=NEW",
        type=_new_name,
        action="append",
        default=[],
        help="rename a class, repeatable; classes that get the same name are merged",
    )
    parser.add_argument(
        "--drop", metavar="CLASS", action="append", default=[], help="drop a class and its boxes, repeatable"
    )
    emptied = "photos that --drop leaves without boxes: keep them as photos without objects (default), or drop them"
    parser.add_argument("--emptied", choices=("keep", "drop"), default="keep", help=emptied)
    words = "leave photos out, as the data set names their files; with their boxes"
    parser.add_argument("--leave-out", metavar="FILE", nargs="+", action="extend", default=[], help=words)
    words = "take over the labels as they stand now, which were drawn in autodet; not together with other changes"
    parser.add_argument("--labels", action="store_true", help=words)
    words = "with --labels: unlabelled photos (default: drop, but keep if the data set has labels)"
    parser.add_argument("--unlabelled", choices=("keep", "drop"), help=words)
    words = "with --labels: photos with proposals that wait for a decision (default: drop)"
    parser.add_argument("--undecided", choices=("keep", "drop"), help=words)
    _add_splits(parser)
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and store nothing")


def _add_splits(parser: argparse.ArgumentParser) -> None:
    rules = "; ".join(f"{name}: {words[0].lower()}{words[1:]}" for name, words in RULES.items())
    shares = "redraw the splits with these shares of train, val and test, such as 70,15,15"
    parser.add_argument("--split", metavar="SHARES", type=_shares, default=(), help=shares)
    parser.add_argument("--seed", type=whole_number, help="seed of the new splits (default 0)")
    groups = f"keep photos together: {rules}; or a regular expression with one group"
    parser.add_argument("--group-by", metavar="RULE", default="", help=groups)
    parser.add_argument("--unstratified", action="store_true", help="do not balance the classes across the splits")


def add_search(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``search``: data set and options."""
    parser.add_argument("dataset", metavar="DATASET", help="a data set's id or name")
    for option in OPTIONS.values():
        NOTATIONS.get(option.name, _add_option)(parser, option)
    again = "start from the last best model of the data set's earlier versions, and compare both models at the end"
    parser.add_argument("--again", action="store_true", help=again)
    parser.add_argument("--name", help="name of the search and its model (default: the data set's name)")
    parser.add_argument("--detach", action="store_true", help="return at once; the search runs in the background")


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    flag = f"--{option.name.replace('_', '-')}"
    if option.kind is bool:
        parser.add_argument(flag, action="store_true", help=option.help)
        return
    parser.add_argument(
        flag,
        type={int: whole_number, float: _number}.get(option.kind, str),
        choices=tuple(option.choices) or None,
        default=option.default,
        metavar=option.metavar or option.unit.upper() or None,
        help=option.help,
    )


def _add_rates(parser: argparse.ArgumentParser, _option: Option) -> None:
    usual = PARAMETERS["lr"].prior
    lowest, highest = (usual.low, usual.high) if isinstance(usual, Range) else (None, None)
    parser.add_argument("--lr-min", type=_number, metavar="RATE", help=f"lowest learning rate (default {lowest:g})")
    parser.add_argument("--lr-max", type=_number, metavar="RATE", help=f"highest learning rate (default {highest:g})")


def _add_space(parser: argparse.ArgumentParser, _option: Option) -> None:
    parser.add_argument(
        "--space",
        metavar="NAME=VALUES",
        type=_tried,
        action="append",
        default=[],
        help="values of a parameter, repeatable: a value, LOW..HIGH, A,B,C, 'tune' or 'default'; parameters: "
        + ", ".join(PARAMETERS),
    )


NOTATIONS = {"lr_range": _add_rates, "space": _add_space}  # options with arguments of their own


def add_keep(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``keep``: search, trial and the model's name."""
    parser.add_argument("search", metavar="SEARCH", help="a search's id or name")
    parser.add_argument("trial", metavar="TRIAL", type=whole_number, help="the trial's number, as 'status' lists it")
    parser.add_argument("--name", help="name of the model (default: 'SEARCH trial TRIAL')")


def add_delete(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``delete``: name and kind."""
    parser.add_argument("name", metavar="NAME", help="an id, or a name that is unique among its kind")
    kinds = "search (default), model or dataset; the models of a search are kept, and so are versions of a data set"
    parser.add_argument("--kind", choices=("search", "model", "dataset"), default="search", help=kinds)


def add_restore(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``restore``: id and kind."""
    parser.add_argument("name", metavar="ID", help="id of a search, model or data set deleted within the last day")
    kinds = "search (default), model or dataset"
    parser.add_argument("--kind", choices=("search", "model", "dataset"), default="search", help=kinds)


def add_rename(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``rename``: model and new name."""
    parser.add_argument("model", metavar="MODEL", help="a model's id or name")
    parser.add_argument("name", metavar="NAME", help="the new name")


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``evaluate``: model, photos, split and tiles."""
    add_label_issues(parser)
    _add_tiles(parser)


def add_label_issues(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``label-issues``: model, photos and split."""
    add_model(parser)
    _add_photos(parser)


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``compare``: two models, photos and split."""
    for name in ("a", "b"):
        words = "a model's id or name, an .autodet file, or registry:NAME@TAG"
        parser.add_argument(name, metavar=name.upper(), help=words)
    _add_photos(parser)


def add_leaderboard(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``leaderboard``: data set, split, and whether to evaluate."""
    _add_split(parser)
    words = "evaluate the models that are not evaluated on these photos yet, and measure their latency"
    parser.add_argument("--evaluate", action="store_true", help=words)


def add_report(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``report``: model, photos, split and file."""
    add_model(parser)
    _add_photos(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the HTML file to write; not needed with --json")


def add_predict(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``predict``: model, photos, confidence threshold and output folder."""
    add_model(parser)
    words = "a photo, or a folder or archive of photos"
    parser.add_argument("photos", metavar="PHOTO", nargs="*", type=Path, help=words)
    parser.add_argument("--dataset", metavar="DATASET", help="predict on the photos of a data set, by its id or name")
    parser.add_argument("--split", choices=(*SPLITS, "all"), default="all", help="of the data set; default all")
    lower = "confidence threshold: omit detections with lower scores (default: the model's own for each class, "
    parser.add_argument("--threshold", type=_share, help=f"{lower}or {DEFAULT_THRESHOLD} if it has none)")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder for copies of the photos with their boxes drawn"
    )
    kinds = ", ".join(EXPORTS)
    parser.add_argument(
        "--export",
        metavar="KIND=FILE",
        type=_export,
        action="append",
        default=[],
        help=f"write the detections to a file, repeatable; kinds: {kinds} (a zip of photos with boxes, a table, a JSON "
        "file, a zip with labels)",
    )
    _add_tiles(parser)


def add_export(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``export``: model or data set, format and file."""
    formats = ("onnx", "autodet", *LAYOUTS)
    parser.add_argument(
        "name", metavar="NAME", help="a model's id or name, an .autodet file, or a data set's id or name"
    )
    parser.add_argument(
        "--format",
        choices=formats,
        default="onnx",
        help=f"of a model: onnx (default) or autodet; of a data set, as a zip: {', '.join(LAYOUTS)}",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", required=True, help="the file to write")
    words = "of a data set: with the labels as they stand now, which were drawn in autodet"
    parser.add_argument("--drafts", action="store_true", help=words)
    parser.add_argument(
        "--int8",
        action="store_true",
        help="of a model: with 8-bit convolutions, smaller and often faster; prints the gain and the loss; such an "
        "autodet file only predicts",
    )
    parser.add_argument(
        "--data",
        metavar="DATASET",
        help="with --int8: the data set that calibrates and measures it (default: the one the model was trained on)",
    )


def _add_tiles(parser: argparse.ArgumentParser) -> None:
    words = "predict on overlapping tiles of photos that are much larger than the training photos, for small objects"
    parser.add_argument("--tiles", action="store_true", help=words)


def _add_photos(parser: argparse.ArgumentParser) -> None:
    words = "a data set's id or name; or an archive or a folder of labelled photos, which are not imported"
    _add_split(parser, words)
    _add_decide(parser)


def _add_split(parser: argparse.ArgumentParser, dataset: str = "a data set's id or name") -> None:
    parser.add_argument("dataset", metavar="DATASET", help=dataset)
    parser.add_argument("--split", choices=(*SPLITS, "all"), default="test", help="default test")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declare the argument that names a model."""
    words = "a model's id or name, an .autodet file, or registry:NAME@TAG"
    parser.add_argument("model", metavar="MODEL", help=words)


def whole_number(text: str) -> int:
    """Read an argument that is a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def port(text: str) -> int:
    """Read an argument that is a TCP port."""
    number = whole_number(text)
    if not 1 <= number <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 1 to {MAX_PORT}")
    return number


def _decision(text: str) -> tuple[str, str]:
    kind, equals, action = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND=ACTION, such as box_outside=drop")
    return kind.strip(), action.strip()


def _tried(text: str) -> tuple[str, Any]:
    name, equals, tried = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUES, such as batch_size=4,8")
    return name.strip(), parse_tried(tried.strip())


def _export(text: str) -> tuple[str, Path]:
    kind, _, file = text.partition("=")
    if kind not in EXPORTS or not file:
        kinds = ", ".join(EXPORTS)
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND=FILE, such as coco=boxes.json; kinds: {kinds}")
    return kind, Path(file)


def _new_name(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW, such as aple=apple")
    return old.strip(), new.strip()


def _shares(text: str) -> tuple[float, ...]:
    return tuple(_number(share) for share in text.split(","))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _share(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value
