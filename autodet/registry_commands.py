"""The commands of the command line for the model registry, and their arguments."""

from collections.abc import Callable, Sequence
from pathlib import Path

from autodet import terminal
from autodet.commands import Add, Answer, Options
from autodet.registry.documents import ModelVersion, RegisteredModel
from autodet.registry.exchange import list_registry, pull_model, push_model, save_version, tag_model
from autodet.terminal import PROGRAM, ProgressLine
from autodet.text_format import size_text

REFERENCE = "NAME, NAME@VERSION or NAME@TAG; without a version or tag, the newest version"


def add_registry(add: Add) -> None:
    """Declare the commands below ``registry``.

    Args:
        add: Adds a command by its name, function and description, and returns its parser.
    """
    pushing = add("push", push, "store a model in the registry as the next version of its name")
    pushing.add_argument("model", metavar="MODEL", help="a model's id or name, or an .autodet file")
    pushing.add_argument("--name", help="name in the registry (default: made from the model's name)")
    pushing.add_argument("--tag", help="tag that names the version from now on, such as production")
    pulling = add("pull", pull, "add a model of the registry to the workspace, or write it to a file")
    pulling.add_argument("reference", metavar="REFERENCE", help=REFERENCE)
    pulling.add_argument("--out", type=Path, metavar="FILE", help="write the .autodet file here, and add no model")
    listing = add("list", show, "list the models of the registry, their versions and tags")
    listing.add_argument("name", metavar="NAME", nargs="?", help="only this model, with the moves of its tags")
    tagging = add("tag", tag, "let a tag name a version; moving it back is a rollback")
    tagging.add_argument("reference", metavar="REFERENCE", help=REFERENCE)
    tagging.add_argument("tag", metavar="TAG", help="such as production or staging")


def push(options: Options) -> Answer:
    """Push a model."""
    with ProgressLine() as line:
        version = push_model(options.model, options.name, options.tag, progress=_shown_on(line, "Sent"))
    tagged = f" The tag {options.tag} names it now." if options.tag else ""
    text = f"{version.reference} in the registry is the model {version.model}.{tagged}"
    return Answer(version.to_json(), text)


def pull(options: Options) -> Answer:
    """Pull a model into the workspace, or into a file."""
    with ProgressLine() as line:
        report = _shown_on(line, "Received")
        if options.out:
            version = save_version(options.reference, options.out, progress=report)
            return Answer(
                version.to_json() | {"path": str(options.out)}, f"Wrote {version.reference} to {options.out}."
            )
        model = pull_model(options.reference, progress=report)
    return Answer(model.to_json(), terminal.models_text([model]))


def show(options: Options) -> Answer:
    """List the registry."""
    models = list_registry(options.name)
    text = "\n\n".join(filter(None, [_versions_text(models), _moves_text(models) if options.name else ""]))
    return Answer([model.to_json() for model in models], text)


def tag(options: Options) -> Answer:
    """Move a tag."""
    move = tag_model(options.reference, options.tag)
    before = f"; before, it named version {move.before}" if move.before else ""
    return Answer(move.to_json(), f"The tag {move.tag} names {move.name}@{move.version}{before}.")


def _shown_on(line: ProgressLine, verb: str) -> Callable[[int, int], None]:
    return lambda done, total: line.show(f"{verb} {size_text(done)} of {size_text(total)}")


def _versions_text(models: Sequence[RegisteredModel]) -> str:
    if not models:
        return f"The registry is empty; push a model with '{PROGRAM} registry push MODEL'."
    rows = [_row(version, model.tags_of(version.version)) for model in models for version in model.versions]
    heads = ("VERSION", "TAGS", "MAP50", "MAP50-95", "DATA SET", "SIZE", "PUSHED", "BY")
    return terminal.columns([heads, *rows])


def _row(version: ModelVersion, tags: Sequence[str]) -> tuple[str, ...]:
    figures = (version.metrics.get(metric) for metric in ("map50", "map50_95"))
    return (
        version.reference,
        ", ".join(tags) or "-",
        *("-" if figure is None else f"{figure:.3f}" for figure in figures),
        version.dataset,
        size_text(version.size_bytes),
        version.pushed[:16].replace("T", " "),
        version.pushed_by or "-",
    )


def _moves_text(models: Sequence[RegisteredModel]) -> str:
    rows = [
        (move.tag, str(move.before or "-"), str(move.version), move.moved[:16].replace("T", " "), move.moved_by or "-")
        for model in models
        for moves in model.moves.values()
        for move in moves
    ]
    return terminal.columns([("TAG", "FROM", "TO", "MOVED", "BY"), *rows]) if rows else ""
