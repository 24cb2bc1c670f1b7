"""What a search varies: the one table of what can be tuned, and how a person says what to try.

A value is fixed, two numbers are a range, a list is a choice::

    {"lr": (5e-4, 5e-3), "batch_size": [4, 8], "architecture": "fasterrcnn_efficientnet_lite0", "augmentation": True}

``True`` tries the prior of the table, ``False`` keeps the default.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from autodet.errors import SearchError
from autodet.models.description import MAX_IMAGE_SIZE
from autodet.models.registry import ARCHITECTURES, USUAL_ARCHITECTURES, find_architecture
from autodet.records import FROZEN_DEPTHS, SCHEDULERS, Hyperparameters

if TYPE_CHECKING:
    import optuna

Value = float | int | str
TUNE, DEFAULT = "tune", "default"


@dataclass(frozen=True)
class Range:
    """Every number from ``low`` to ``high``, both included."""

    low: float
    high: float

    @property
    def tuned(self) -> bool:
        """Whether it leaves anything to choose."""
        return True


@dataclass(frozen=True)
class Choices:
    """One of some values; of a single one, that is fixed."""

    values: tuple[Value, ...]

    @property
    def tuned(self) -> bool:
        """Whether it leaves anything to choose."""
        return len(self.values) > 1


Tried = Range | Choices
Space = Mapping[str, Tried]


@dataclass(frozen=True)
class Parameter:
    """One thing that can be tuned.

    Attributes:
        name: Its name in Python, on the command line and in Optuna's study.
        title: Its name on a page.
        help: What it does, a sentence.
        prior: What is tried where a person says no more than that it is to be tuned.
        least: The lowest number that makes sense; a range on a logarithmic scale begins above 0.
        most: The highest.
        log: Whether ratios count rather than differences.
        step: Whole numbers come in steps of this; 0 for any number, and for words.
        words: What it can be, where it is no number.
        tuned: Whether it is tuned where nothing is said.
    """

    name: str
    title: str
    help: str
    prior: Tried
    least: float = 0.0
    most: float = 1.0
    log: bool = False
    step: int = 0
    words: tuple[str, ...] = ()
    tuned: bool = False

    @property
    def bounds(self) -> str:
        """What can be given, in words."""
        if self.words:
            return f"one of {', '.join(self.words)}"
        multiples = f", in steps of {self.step}" if self.step > 1 else ""
        number = "a whole number" if self.step else "a number"
        return f"{number} from {self.least:g} to {self.most:g}{multiples}"


PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter(
            "lr",
            "Learning rate",
            "How large the steps of training are.",
            Range(3e-4, 1.5e-3),
            least=1e-7,
            log=True,
            tuned=True,
        ),
        Parameter(
            "backbone_lr_factor",
            "Backbone rate factor",
            "The pretrained layers learn at the learning rate times this.",
            Range(0.05, 0.5),
            least=1e-3,
            most=10.0,
            log=True,
            tuned=True,
        ),
        Parameter(
            "weight_decay",
            "Weight decay",
            "How strongly weights are kept small.",
            Range(1e-5, 1e-2),
            log=True,
            tuned=True,
        ),
        Parameter("batch_size", "Batch size", "Photos a step.", Choices((2, 4, 8, 16)), least=1, most=256, step=1),
        Parameter(
            "image_size",
            "Photo size",
            "Side in pixels of the square that photos are scaled to; small objects need a larger one.",
            Choices((256, 320, 416)),
            least=64,
            most=MAX_IMAGE_SIZE,
            step=32,
        ),
        Parameter(
            "architecture",
            "Network",
            "Which network is trained.",
            Choices(USUAL_ARCHITECTURES),
            words=tuple(ARCHITECTURES),
        ),
        Parameter(
            "frozen_depth",
            "Frozen layers",
            "How much of the pretrained body stays as it is.",
            Choices(FROZEN_DEPTHS),
            words=FROZEN_DEPTHS,
        ),
        Parameter(
            "augmentation",
            "Augmentation",
            "How much photos are moved, zoomed and recoloured while learning; 0 leaves them as they are.",
            Range(0.5, 1.5),
            most=2.0,
        ),
        Parameter(
            "ema_decay",
            "Weight averaging",
            "How slowly the averaged weights follow, a step; 0 averages nothing.",
            Choices((0.0, 0.98, 0.99, 0.998)),
            most=0.99999,
        ),
        Parameter(
            "scheduler",
            "Schedule",
            "How the learning rate falls after the warm-up.",
            Choices(SCHEDULERS),
            words=SCHEDULERS,
        ),
        Parameter("epochs", "Epochs", "Times through all photos.", Choices((10, 20, 40)), least=1, most=1000, step=1),
    )
}


def make_space(asked: Mapping[str, Any] | None = None) -> dict[str, Tried]:
    """What is to be tried, of what a person asks for; what is not in it has its default.

    Raises:
        SearchError: There is no such parameter, or it cannot be that; the message says what it can be.
    """
    asked = asked or {}
    for name in asked:
        if name not in PARAMETERS:
            raise SearchError(f"There is no parameter {name!r} to try; choose from {', '.join(PARAMETERS)}.")
    wanted = {name: asked.get(name, parameter.tuned) for name, parameter in PARAMETERS.items()}
    return {name: _tried(PARAMETERS[name], value) for name, value in wanted.items() if value is not False}


def parse_tried(text: str) -> Any:
    """What somebody typed: ``5e-4..5e-3``, ``4,8``, ``8``, ``tune`` or ``default``."""
    if text in (TUNE, DEFAULT):
        return text == TUNE
    if ".." in text:
        return tuple(_number_or_word(end) for end in text.split(".."))
    return [_number_or_word(one) for one in text.split(",")]


def _number_or_word(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def _tried(parameter: Parameter, asked: Any) -> Tried:
    if asked is True:
        return parameter.prior
    if isinstance(asked, Range | Choices):
        asked = (asked.low, asked.high) if isinstance(asked, Range) else list(asked.values)
    if isinstance(asked, tuple) and not parameter.words:
        return _range(parameter, asked)
    values = tuple(asked) if isinstance(asked, list | tuple) else (asked,)
    if problem := _problem(parameter, values):
        raise SearchError(f"{parameter.title} ({parameter.name}) {problem}.")
    return Choices(values)


def _problem(parameter: Parameter, values: Sequence[Any]) -> str:
    """Why a parameter cannot be one of some values, as the end of a sentence; empty if it can."""
    if not values:
        return f"has no value; give {parameter.bounds}"
    for value in values:
        if not _fits(parameter, value):
            is_list = not parameter.words and not isinstance(value, int | float)
            several = "; several values are a list ([4, 8], on the command line 4,8)" * is_list
            return f"cannot be {_said(value)}; give {parameter.bounds}{several}"
    twice = next((one for place, one in enumerate(values) if one in values[:place]), None)
    return "" if twice is None else f"has the value {_said(twice)} twice; give each value once"


def _said(value: Any) -> str:
    """A value as a sentence shows it."""
    return str(value) or "empty"


def _range(parameter: Parameter, ends: tuple[Any, ...]) -> Range:
    name = f"{parameter.title} ({parameter.name})"
    if len(ends) != 2:
        listed = ", ".join(map(str, ends))
        raise SearchError(f"{name} has {len(ends)} ends of a range; give two, or list the values to try: [{listed}].")
    fits = all(_fits(parameter, end) for end in ends) and ends[0] <= ends[1]
    if not fits or (parameter.log and ends[0] <= 0):
        least = "above 0" if parameter.log else f"from {parameter.least:g}"
        step = f", in steps of {parameter.step}" if parameter.step > 1 else ""
        kind = "whole numbers" if parameter.step else "numbers"
        raise SearchError(
            f"{name} from {' to '.join(map(_said, ends))} is no range; give two {kind} {least} and up to "
            f"{parameter.most:g}{step}, the lower one first."
        )
    return Range(*ends)


def _fits(parameter: Parameter, value: Any) -> bool:
    if parameter.words:
        return value in parameter.words
    if not isinstance(value, int | float) or isinstance(value, bool) or not parameter.least <= value <= parameter.most:
        return False
    return not parameter.step or (isinstance(value, int) and value % parameter.step == 0)


def space_from_json(document: Mapping[str, Any]) -> dict[str, Tried]:
    """The inverse of ``dataclasses.asdict``."""
    return {
        name: Range(**tried) if "low" in tried else Choices(tuple(tried["values"])) for name, tried in document.items()
    }


def architectures(space: Space) -> tuple[str, ...]:
    """The networks that may be trained."""
    tried = space.get("architecture")
    return tuple(map(str, tried.values)) if isinstance(tried, Choices) else (Hyperparameters().architecture,)


def changes_latency(space: Space) -> bool:
    """Whether anything is tried that makes predictions slower or quicker; all the rest is about training."""
    return any(name in space and space[name].tuned for name in ("architecture", "image_size"))


def most_epochs(space: Space, otherwise: int) -> int:
    """The most epochs that a trial may have."""
    tried = space.get("epochs")
    if isinstance(tried, Range):
        return int(tried.high)
    return max(int(value) for value in tried.values) if tried else otherwise


def mean_epochs(space: Space, otherwise: int) -> float:
    """The mean of the epochs that a trial may have."""
    tried = space.get("epochs")
    if isinstance(tried, Range):
        return (tried.low + tried.high) / 2
    return fmean(float(value) for value in tried.values) if tried else otherwise


def default_values(space: Space) -> dict[str, Value]:
    """Trial 0's place in the space: the defaults, each moved to the nearest that may be tried."""
    defaults: dict[str, Any] = Hyperparameters().to_json() | {"epochs": most_epochs(space, 0)}
    network = _nearest(Choices(architectures(space)), defaults["architecture"])
    defaults["image_size"] = find_architecture(network).image_size
    return {name: _nearest(tried, defaults[name]) for name, tried in space.items()}


def _nearest(tried: Tried, default: Any) -> Any:
    if isinstance(tried, Range):
        return min(max(default, tried.low), tried.high)
    if isinstance(default, str):
        return default if default in tried.values else tried.values[0]
    return min(tried.values, key=lambda value: abs(float(value) - default))


def params_near(space: Space, wanted: Mapping[str, Any]) -> dict[str, Value]:
    """What is wanted, or else the default, moved to the nearest that may be tried; as Optuna enqueues it."""
    values = default_values(space)
    return {name: _nearest(tried, wanted.get(name, values[name])) for name, tried in space.items() if tried.tuned}


def suggest_values(trial: "optuna.trial.Trial", space: Space) -> dict[str, Value]:
    """What a trial tries; the same again for a trial that has been asked before."""
    return dict(_suggested(trial, space))


def _suggested(trial: "optuna.trial.Trial", space: Space) -> Iterator[tuple[str, Value]]:
    for name, tried in space.items():
        parameter = PARAMETERS[name]
        if isinstance(tried, Choices):
            chosen: Any = trial.suggest_categorical(name, tried.values) if tried.tuned else tried.values[0]
            yield name, chosen
        elif parameter.step:
            yield name, trial.suggest_int(name, int(tried.low), int(tried.high), step=parameter.step)
        else:
            yield name, trial.suggest_float(name, tried.low, tried.high, log=parameter.log)


def hyperparameters_of(values: Mapping[str, Any]) -> Hyperparameters:
    """What a trial is trained with; photos have the size that its network works on, unless that is tried too."""
    known = {name: value for name, value in values.items() if name != "epochs"}
    architecture = find_architecture(known.get("architecture", Hyperparameters().architecture))
    return Hyperparameters(**{"image_size": architecture.image_size} | known)
