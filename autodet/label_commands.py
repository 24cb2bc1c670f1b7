"""The commands of the command line for labels that are drafts, and their arguments."""

import argparse
from collections.abc import Callable

from autodet.commands import Answer, Options
from autodet.datasets.drafts.acceptance import accept_proposals, take_back_acceptance
from autodet.datasets.drafts.counts import count_labels
from autodet.datasets.manifest import load_dataset
from autodet.inference.auto_labels import auto_label as propose_labels
from autodet.inference.demo import demo_model
from autodet.inference.draft_predictions import MIN_KEPT_SCORE
from autodet.inference.label_orders import ORDER_KINDS
from autodet.inference.label_orders import next_photos as find_next_photos
from autodet.messages.auto_labels import auto_labels_text
from autodet.messages.label_states import STATE_TITLES
from autodet.messages.labels import reason_text
from autodet.registry.bundles import find_any_model
from autodet.terminal import ProgressLine, columns
from autodet.text_format import counted

Add = Callable[[str, Callable[[Options], Answer], str], argparse.ArgumentParser]


def add_auto_label(add: Add) -> None:
    """Declare ``auto-label`` and its arguments.

    Args:
        add: Adds a command by its name, function and description, and returns its parser.
    """
    words = "let a model propose labels on the photos of a data set; what was done is kept when it is interrupted"
    drafting = add("auto-label", auto_label, words)
    drafting.add_argument("dataset", metavar="DATASET", help="a data set's id or name")
    models = "a model's id or name, an .autodet file, registry:NAME@TAG, or demo: 80 kinds of everyday objects (COCO)"
    drafting.add_argument("--model", metavar="MODEL", required=True, help=models)
    drafting.add_argument(
        "--class",
        dest="classes",
        metavar="CLASS[=NAME]",
        type=_class,
        action="append",
        default=[],
        help="class of the model to propose, and its name in the data set; repeatable (default: the shared classes)",
    )
    scores = "lowest score of a proposal, 0.05 to 1 (default: the model's own threshold of each class)"
    drafting.add_argument("--threshold", type=_score, metavar="SCORE", help=scores)
    everything = "also look at photos that are labelled or reviewed, and propose boxes where no label is"
    drafting.add_argument("--all", action="store_true", help=everything)


def add_next_photos(add: Add) -> None:
    """Declare ``next-photos`` and its arguments; ``add`` as for ``add_auto_label``."""
    words = "list the photos of a data set that should be labelled next, with the reason for each"
    ordering = add("next-photos", next_photos, words)
    ordering.add_argument("dataset", metavar="DATASET", help="a data set's id or name")
    models = (
        "a model's id or name, an .autodet file, registry:NAME@TAG, or demo: 80 kinds of everyday objects (COCO); "
        "without one, photos are ordered by how they look alone"
    )
    ordering.add_argument("--model", metavar="MODEL", help=models)
    ordering.add_argument("--count", type=_count, metavar="NUMBER", default=20, help="number of photos (default 20)")
    orders = "teaches (default): what should teach the model most; random; proposals: the lowest scores first"
    ordering.add_argument("--order", choices=ORDER_KINDS[1:], default=ORDER_KINDS[1], help=orders)


def next_photos(options: Options) -> Answer:
    """List the photos that should be labelled next."""
    dataset = load_dataset(options.dataset)
    demo = options.model in (None, demo_model().id)
    model = options.model if demo else find_any_model(options.model)
    with ProgressLine() as line:
        made = find_next_photos(dataset, model, options.count, options.order, line.show_photos)
    reasons = {file: reason_text(reason) for file, reason in made.reasons.items()}
    photos = [
        {"file": file, "reason": made.reasons[file].to_json() if file in reasons else None} for file in made.files
    ]
    text = "\n".join(f"{file}: {reasons[file]}" if file in reasons else file for file in made.files)
    facts = {"dataset": dataset.id, "order": options.order, "photos": photos}
    return Answer(facts, text or "No photo waits for labels.")


def add_labels(add: Add) -> None:
    """Declare ``labels``, ``accept`` and ``take-back`` and their arguments; ``add`` as for ``add_auto_label``."""
    showing = add("labels", show_labels, "count the photos of a data set by state, and the labels of each class")
    accepting = add("accept", accept, "turn the proposals of models into labels")
    words = "make the labels of the last acceptance proposals again; photos that were changed since stay as they are"
    taking_back = add("take-back", take_back, words)
    for parser in (showing, accepting, taking_back):
        parser.add_argument("dataset", metavar="DATASET", help="a data set's id or name")
    words = "lowest score that is accepted, 0.05 to 1 (default: any); the other proposals go on waiting"
    accepting.add_argument("--above", metavar="SCORE", type=_score, default=0.0, help=words)
    accepting.add_argument("--photo", metavar="FILE", action="append", help="only this photo, repeatable")


def show_labels(options: Options) -> Answer:
    """Count the labels of a data set as they stand now."""
    counts = count_labels(options.dataset)
    photos = [(STATE_TITLES[state].lower(), f"{number:,}") for state, number in counts.photos.items()]
    facts = [("data set", counts.dataset), *photos, ("to look at", f"{counts.flagged:,}")]
    rows = [(name, f"{boxes:,}", f"{counts.proposals[name]:,}") for name, boxes in counts.boxes.items()]
    table = ["", columns([("CLASS", "LABELS", "PROPOSALS"), *rows])] if rows else []
    return Answer(counts.to_json(), "\n".join([columns(facts), *table]))


def accept(options: Options) -> Answer:
    """Accept proposals."""
    dataset = load_dataset(options.dataset)
    accepted = accept_proposals(dataset, options.photo, options.above)
    counts = count_labels(dataset)
    left = counted(sum(counts.proposals.values()), "proposal")
    text = f"Accepted {counted(accepted, 'proposal')} of {dataset.id}; {left} left."
    return Answer({"accepted": accepted} | counts.to_json(), text)


def take_back(options: Options) -> Answer:
    """Take the last acceptance back."""
    dataset = load_dataset(options.dataset)
    count = take_back_acceptance(dataset)
    counts = count_labels(dataset)
    waiting = counted(sum(counts.proposals.values()), "proposal")
    text = f"Took back {counted(count, 'accepted proposal')} of {dataset.id}; {waiting} now wait."
    if not count:
        text = f"There is no acceptance to take back in {dataset.id}, or its photos were changed since."
    return Answer({"taken_back": count} | counts.to_json(), text)


def auto_label(options: Options) -> Answer:
    """Let a model propose labels."""
    dataset = load_dataset(options.dataset)
    model = options.model if options.model == demo_model().id else find_any_model(options.model)
    with ProgressLine() as line:
        made = propose_labels(
            dataset, model, dict(options.classes), options.threshold, line.show_photos, reviewed=options.all
        )
    counts = (made.photos, made.boxes, made.without, made.skipped, made.unreadable)
    return Answer({"dataset": dataset.id} | made.to_json(), auto_labels_text(*counts))


def _class(text: str) -> tuple[str, str]:
    known, _, name = text.partition("=")
    return known, name or known


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not MIN_KEPT_SCORE <= score <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between {MIN_KEPT_SCORE} and 1")
    return score
