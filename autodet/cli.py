"""The command line: ``python -m autodet COMMAND``.

A command returns a document, which ``--json`` prints, and text for people. A user error prints one sentence on
standard error and exits with status 2.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from autodet import (
    api_commands,
    arguments,
    commands,
    dataset_commands,
    evaluation_commands,
    follow_up_commands,
    label_commands,
    model_commands,
    prediction_commands,
    registry_commands,
    terminal,
)
from autodet.commands import Answer, Options
from autodet.errors import AutodetError, sentence_for
from autodet.terminal import PROGRAM, say
from autodet.text_format import harmless
from autodet.version import __version__

FAILED, MISTAKE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141


def main(words: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        words: Arguments after the program name; those of the process if not given.

    Returns:
        The exit status: 0, 1 for a failure, 2 for a user error, 3 for findings of ``check``, 130 after Ctrl-C, 141
        after a broken pipe.
    """
    try:
        try:
            return _run(_parser().parse_args(words))
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except AutodetError as error:
        return _complain(str(error), MISTAKE)
    except KeyboardInterrupt as interrupt:
        return _complain(str(interrupt) or "Interrupted.", INTERRUPTED)
    except BrokenPipeError:  # the reader closed the pipe, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:  # top level: users see no traceback
        if os.environ.get("AUTODET_DEBUG"):
            raise
        if sentence := sentence_for(error):
            return _complain(sentence, MISTAKE)
        detail = f"{type(error).__name__}: {error}"
        return _complain(f"autodet failed unexpectedly ({detail}); set AUTODET_DEBUG=1 to see where.", FAILED)


def _run(options: Options) -> int:
    # Send the output of libraries to standard error, so that standard output holds only the answer.
    with redirect_stdout(sys.stderr), terminal.cautions_as_lines():
        answer: Answer = options.command(options)
    if options.json or answer.text:
        print(json.dumps(answer.document, indent=2) if options.json else _printable(answer.text))
    for mistake in answer.mistakes:
        _complain(mistake, MISTAKE)
    if answer.failure:
        return _complain(answer.failure, FAILED)
    return MISTAKE if answer.mistakes else answer.status


def _printable(text: str) -> str:
    """Escape characters that standard output cannot show, because file names may contain any."""
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    return harmless(text).encode(encoding, "backslashreplace").decode(encoding)


def _complain(sentence: str, status: int) -> int:
    say(" ".join(sentence.split()))
    return status


def _parser() -> argparse.ArgumentParser:
    parser = arguments.Parser(prog=PROGRAM, description="Object detectors from your own photos.")
    parser.add_argument("--version", action="version", version=f"autodet {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    start = subparsers.add_parser("app", help="open the app in a browser", description="Open the app in a browser.")
    arguments.add_app(start)
    start.set_defaults(command=commands.app, json=False)

    add = partial(_add, subparsers)

    arguments.add_import(add("import", dataset_commands.import_source, "import labelled photos"))
    checked = "show the findings of an import, and store nothing; exit status 0: clean, 3: findings, 2: unusable"
    arguments.add_source(add("check", dataset_commands.check, checked))
    changes = "make a new version of a data set: other classes, other splits, or the labels drawn in autodet"
    arguments.add_derive(add("derive", dataset_commands.derive, changes))
    joined = "merge data sets into a new one, with a table that maps their class names"
    arguments.add_merge(add("merge", dataset_commands.merge, joined))
    arguments.add_search(add("search", commands.search, "search for the best detector, and wait for it"))
    status = add("status", commands.status, "show the status of one search, or of all")
    status.add_argument("search", metavar="SEARCH", nargs="?", help="a search's id or name (default: every search)")
    for name, command, description in (
        ("stop", commands.stop, "stop a search and keep its best model so far"),
        ("resume", commands.resume, "continue a search that was interrupted or stopped"),
    ):
        add(name, command, description).add_argument("search", metavar="SEARCH", help="a search's id or name")
    follow_up_commands.add_follow_ups(add)
    arguments.add_delete(add("delete", commands.delete, "delete a search that has ended, a model, or a data set"))
    arguments.add_restore(add("restore", commands.restore, "restore an item that was deleted within the last day"))
    arguments.add_keep(add("keep", commands.keep, "add the model of any trial of a search to the workspace"))
    arguments.add_rename(add("rename", model_commands.rename, "give a model another name; its id stays the same"))
    measured = "evaluate a model on labelled photos: a split of a data set, or an archive or a folder"
    arguments.add_evaluate(add("evaluate", evaluation_commands.evaluate, measured))
    doubted = "list the labels that look wrong to a model, the worst first"
    arguments.add_label_issues(add("label-issues", evaluation_commands.label_issues, doubted))
    reported = "write a report on a model as one HTML file: figures, sample photos, limits, use"
    arguments.add_report(add("report", evaluation_commands.report, reported))
    compared = "compare two models on a split of a data set, and tell whether they differ by more than chance"
    arguments.add_compare(add("compare", evaluation_commands.compare, compared))
    label_commands.add_auto_label(add)
    label_commands.add_next_photos(add)
    label_commands.add_labels(add)
    ranked = "rank the models that know the classes of a data set on one split of it"
    arguments.add_leaderboard(add("leaderboard", evaluation_commands.leaderboard, ranked))
    arguments.add_predict(add("predict", prediction_commands.predict, "find the objects on photos"))
    arguments.add_export(
        add("export", model_commands.export, "write a model, or a data set, as a file for other programs")
    )
    add("datasets", dataset_commands.datasets, "list the data sets")
    add("models", model_commands.models, "list the models, the newest first")
    api_commands.add_serve(add)
    secrets = subparsers.add_parser("token", help="create, list and revoke tokens for programs that use the HTTP API")
    api_commands.add_tokens(partial(_add, secrets.add_subparsers(metavar="ACTION", required=True)))
    shared = "push models to the model registry, pull, list and tag them"
    registry = subparsers.add_parser("registry", help=shared, description=f"{shared[0].upper()}{shared[1:]}.")
    registry_commands.add_registry(partial(_add, registry.add_subparsers(metavar="COMMAND", required=True)))
    return parser


def _add(subparsers: Any, name: str, command: Callable[[Options], Answer], words: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = subparsers.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    added.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    added.set_defaults(command=command)
    return added
