"""The commands of the command line for searches and deletions.

A command takes the options that ``arguments`` declares, and returns an ``Answer``.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from autodet import terminal
from autodet.datasets.manifest import only_dataset_id
from autodet.errors import AmbiguousNameError, AutodetError, NotFoundError, SearchError
from autodet.follow_up_outcome import outcome_entry, outcome_of, outcome_text
from autodet.messages.comparisons import improvement_cautions, improvement_sentence
from autodet.messages.plans import plan_text
from autodet.models.store import only_model_id
from autodet.records import Improvement, SearchStatus
from autodet.search.api import Search, find_only_search, find_search, list_searches
from autodet.search.delete import restore as restore_deleted
from autodet.search.delete_assets import delete_dataset, delete_model
from autodet.search.improvement import improvement
from autodet.search.order.options import OPTIONS, SearchOptions
from autodet.search.order.space import PARAMETERS, Range
from autodet.search.start import start_search
from autodet.search.status.epoch_lines import EpochLines, progress_text
from autodet.server.streamlit_command import environment_with_secrets, start_app
from autodet.settings import load_settings
from autodet.terminal import PROGRAM, ProgressLine, say
from autodet.text_format import listed
from autodet.trash import TITLES

Options = argparse.Namespace
KIND_TITLES = {"model": "model", "dataset": "data set"}
OTHER_KINDS: dict[str, Callable[[str], str]] = {"model": only_model_id, "dataset": only_dataset_id}


@dataclass(frozen=True)
class Answer:
    """Result of a command.

    Attributes:
        document: Output for ``--json``.
        text: Output for people.
        mistakes: Sentences about skipped inputs; they set the exit status to 2.
        failure: Sentence if the awaited work failed; it sets the exit status to 1.
        status: Exit status if nothing failed.
    """

    document: Any
    text: str
    mistakes: tuple[str, ...] = ()
    failure: str = ""
    status: int = 0


# Adds a command by its name, function and description, and returns its parser.
Add = Callable[[str, Callable[[Options], Answer], str], argparse.ArgumentParser]


def app(options: Options) -> Answer:
    """Replace this process with the app's server."""
    settings = load_settings(environment_with_secrets(os.environ))
    start_app(settings, port=options.port, browser=not options.no_browser)
    raise AssertionError  # unreachable: start_app replaces the process


def search(options: Options) -> Answer:
    """Start a search, and wait for it unless ``--detach`` is given; with ``--again``, from the last best model."""
    search = start_search(options.dataset, _search_options(options), again=options.again, name=options.name)
    spec = search.spec()
    if options.again and spec.start_from:
        say(f"It starts from the model {spec.start_from.model}.")
    if spec.why:
        say(plan_text(spec.why))
    if options.detach:
        return status_answer(search, f"It runs in the background; '{PROGRAM} status {search.id}' shows its progress.")
    status, failure = await_search(search, f"The search {search.id} has started.")
    gained = _gained(search) if options.again and status.model else None
    text = "\n\n".join(filter(None, [terminal.status_text(status), _improvement_text(gained) if gained else ""]))
    return Answer(status.to_json() | ({"improvement": gained.to_json()} if gained else {}), text, failure=failure)


def _gained(search: Search) -> Improvement | None:
    """Compare a search's model with the one that it started from; None, and a sentence, if that is impossible."""
    try:
        with ProgressLine() as line:
            return improvement(search, progress=line.show_photos)
    except AutodetError as error:
        say(str(error))
        return None


def _improvement_text(gained: Improvement) -> str:
    return "\n".join([improvement_sentence(gained), *improvement_cautions(gained)])


def await_search(search: Search, news: str = "") -> tuple[SearchStatus, str]:
    """Wait for a search and print its progress; return its status, and a sentence if it failed or was interrupted.

    Args:
        search: The search.
        news: Sentence to print first.
    """
    try:
        if news:
            say(news)
        with ProgressLine() as line:
            status = search.wait(on_change=_watcher(line), best_so_far=True)
    except KeyboardInterrupt:
        hint = f"The search {search.id} continues in the background; '{PROGRAM} stop {search.id}' stops it."
        raise KeyboardInterrupt(hint) from None
    failure = ""
    if status.state == "failed":
        failure = f"The search {search.id} failed. {status.message}"
    elif status.state == "interrupted":
        reason = status.message or f"The search {search.id} was interrupted."
        failure = f"{reason} '{PROGRAM} resume {search.id}' continues it."
    return status, failure


def _watcher(line: ProgressLine) -> Callable[[SearchStatus], None]:
    """Return a callback that prints a search's news above its progress line."""
    lines = EpochLines(say)

    def watch(status: SearchStatus) -> None:
        line.show("")
        lines(status)
        if status.active:
            line.show(progress_text(status))

    return watch


def _search_options(options: Options) -> SearchOptions:
    given = {name: value for name, value in vars(options).items() if name in OPTIONS}
    return SearchOptions(**given | {"lr_range": _lr_range(options), "space": _space(options)})


def _lr_range(options: Options) -> tuple[float, float] | None:
    """Return both ends of the range if at least one is given, else None."""
    usual = PARAMETERS["lr"].prior
    given = (options.lr_min, options.lr_max)
    if given == (None, None) or not isinstance(usual, Range):
        return None
    return (usual.low if given[0] is None else given[0], usual.high if given[1] is None else given[1])


def _space(options: Options) -> dict[str, Any]:
    """Return the search space given by ``--space``.

    Raises:
        SearchError: A parameter is given twice.
    """
    space: dict[str, Any] = {}
    for name, tried in options.space:
        if name in space:
            raise SearchError(f"--space names {name} twice; give each parameter once.")
        space[name] = tried
    return space


def status_answer(search: Search, hint: str = "") -> Answer:
    """Report the status of a search; of a follow-up also its result."""
    status = search.status()
    outcome = outcome_of(status)
    text = "\n\n".join(filter(None, [terminal.status_text(status), outcome_text(outcome), hint]))
    return Answer(status.to_json() | outcome_entry(outcome), text)


def status(options: Options) -> Answer:
    """Report the status of one search, or of all searches."""
    if options.search:
        return status_answer(find_search(options.search))
    statuses = list_searches()
    return Answer([status.to_json() for status in statuses], terminal.searches_text(statuses))


def stop(options: Options) -> Answer:
    """Stop a search."""
    search = find_search(options.search)
    search.stop()
    return status_answer(search, "It stops within seconds; the best model so far is kept.")


def resume(options: Options) -> Answer:
    """Resume a search."""
    search = find_search(options.search)
    search.resume()
    return status_answer(search, f"It continues in the background; '{PROGRAM} status {search.id}' shows its progress.")


def keep(options: Options) -> Answer:
    """Add a trial's model to the workspace."""
    model = find_search(options.search).keep(options.trial, options.name)
    return Answer(model.to_json(), terminal.models_text([model]))


def delete(options: Options) -> Answer:
    """Delete a search, a model or a data set.

    Raises:
        NotFoundError: Nothing of that kind has that name; for a search, the message names other kinds that do.
    """
    if options.kind == "search":
        return _delete_search(options.name)
    deleted = (delete_model if options.kind == "model" else delete_dataset)(options.name)
    return Answer(asdict(deleted), terminal.deletion_text(deleted))


def restore(options: Options) -> Answer:
    """Restore a deleted search, model or data set from the trash."""
    restore_deleted(options.kind, options.name)
    text = f"The {TITLES[options.kind]} {options.name} is restored."
    return Answer({"kind": options.kind, "id": options.name}, text)


def _delete_search(name: str) -> Answer:
    try:
        search = find_only_search(name)
    except NotFoundError as error:
        others = [kind for kind, find in OTHER_KINDS.items() if _is_there(find, name)]
        if not others:
            raise
        there_is = listed([f"a {KIND_TITLES[kind]}" for kind in others])
        options = listed([f"--kind {kind}" for kind in others], "or")
        raise NotFoundError(
            f"There is no search {name!r}, so nothing was deleted. There is {there_is} of that name: add {options}."
        ) from error
    size = search.size_bytes()
    search.delete()
    stays = f"Models that '{PROGRAM} models' lists are kept."
    text = f"The search {search.id} was deleted. {terminal.trash_text('search', search.id, size)} {stays}"
    return Answer({"kind": "search", "id": search.id, "search": search.id, "freed_bytes": size}, text)


def _is_there(find: Callable[[str], object], name: str) -> bool:
    try:
        find(name)
    except NotFoundError:
        return False
    except AmbiguousNameError:
        pass
    return True
