"""Attempts at a trial: a folder that only one of them can write into.

Each attempt has the trial's folder under a name of its own: ``trials/3``, then ``trials/3-2``, ``trials/3-3``. The
next attempt begins by renaming it, which is one step for the file system. So a worker that was given up, but wakes up
again later, no longer finds where it wrote: its checkpoint and its bundle are refused, whatever it believes.
"""

from pathlib import Path


def attempt_folder(trials: Path, trial: int) -> Path:
    """The folder of a trial's latest attempt; where there was none yet, the one that the first will have."""
    attempts = {_number(folder, trial): folder for folder in (trials / str(trial), *trials.glob(f"{trial}-*"))}
    return attempts[max(attempts)]


def begin_attempt(trials: Path, trial: int) -> Path:
    """The folder for a new attempt at a trial, with what the last one reached; nobody else can write there."""
    last = attempt_folder(trials, trial)
    if not last.exists():
        last.mkdir(parents=True)
        return last
    return last.rename(trials / f"{trial}-{_number(last, trial) + 1}")


def _number(folder: Path, trial: int) -> int:
    number = folder.name.removeprefix(f"{trial}-")
    return int(number) if number.isdigit() and folder.name != str(trial) else 1
