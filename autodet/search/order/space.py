"""Search space: the table of all tunable parameters, and the notation of values to try.

A single value is fixed, a pair of numbers is a range, a list is a choice::

    {"lr": (5e-4, 5e-3), "batch_size": [4, 8], "architecture": "nanodet_g", "augmentation": True}

``True`` uses the prior of the table, ``False`` the default.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from autodet.errors import SearchError
from autodet.models.model_card import MAX_IMAGE_SIZE
from autodet.models.registry import ARCHITECTURES, USUAL_ARCHITECTURES, find_architecture
from autodet.records import FROZEN_DEPTHS, SCHEDULERS, Hyperparameters

if TYPE_CHECKING:
    import optuna

Value = float | int | str
TUNE, DEFAULT = "tune", "default"


@dataclass(frozen=True)
class Range:
    """All numbers from ``low`` to ``high``, both inclusive."""

    low: float
    high: float

    @property
    def tuned(self) -> bool:
        """Whether the sampler chooses a value; always True for a range."""
        return True


@dataclass(frozen=True)
class Choices:
    """A list of values; a single value is fixed."""

    values: tuple[Value, ...]

    @property
    def tuned(self) -> bool:
        """Whether the sampler chooses a value: there is more than one."""
        return len(self.values) > 1


Tried = Range | Choices
Space = Mapping[str, Tried]


@dataclass(frozen=True)
class Parameter:
    """A tunable parameter.

    Attributes:
        name: Name in Python, on the command line and in the Optuna study.
        title: Name on a page.
        help: Description, one sentence.
        prior: Values to try if tuning is requested without a range.
        least: Lowest valid number; a range on a logarithmic scale must start above 0.
        most: Highest valid number.
        log: Whether the scale is logarithmic.
        step: Step of a whole-number parameter; 0 for real numbers and words.
        words: Valid words of a categorical parameter.
        tuned: Whether it is tuned by default.
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
        """The valid values, in words."""
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
            "How far one training step changes the weights.",
            Range(3e-4, 1.5e-3),
            least=1e-7,
            log=True,
            tuned=True,
        ),
        Parameter(
            "backbone_lr_factor",
            "Backbone rate factor",
            "Learning rate of the pretrained layers, as a multiple of the learning rate.",
            Range(0.05, 0.5),
            least=1e-3,
            most=10.0,
            log=True,
            tuned=True,
        ),
        Parameter(
            "weight_decay",
            "Weight decay",
            "How strongly training keeps the weights small.",
            Range(1e-5, 1e-2),
            log=True,
            tuned=True,
        ),
        Parameter(
            "batch_size", "Batch size", "Photos per training step.", Choices((2, 4, 8, 16)), least=1, most=256, step=1
        ),
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
            "The network to train.",
            Choices(USUAL_ARCHITECTURES),
            words=tuple(ARCHITECTURES),
        ),
        Parameter(
            "frozen_depth",
            "Frozen layers",
            "How many of the backbone's pretrained layers are not trained.",
            Choices(FROZEN_DEPTHS),
            words=FROZEN_DEPTHS,
        ),
        Parameter(
            "augmentation",
            "Augmentation",
            "How much photos are moved, zoomed and recoloured in training; 0 leaves them as they are.",
            Range(0.5, 1.5),
            most=2.0,
        ),
        Parameter(
            "ema_decay",
            "Weight averaging",
            "How slowly the averaged weights (EMA) follow in each step; 0 turns averaging off.",
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
        Parameter(
            "epochs", "Epochs", "Passes through the training photos.", Choices((10, 20, 40)), least=1, most=1000, step=1
        ),
    )
}


def make_space(asked: Mapping[str, Any] | None = None) -> dict[str, Tried]:
    """Build a search space from requested values; fixed defaults are left out.

    Raises:
        SearchError: A parameter is unknown or a value is invalid; the message lists the valid ones.
    """
    asked = asked or {}
    for name in asked:
        if name not in PARAMETERS:
            raise SearchError(f"There is no parameter {name!r} to try; choose from {', '.join(PARAMETERS)}.")
    wanted = {name: asked.get(name, parameter.tuned) for name, parameter in PARAMETERS.items()}
    return {name: _tried(PARAMETERS[name], value) for name, value in wanted.items() if value is not False}


def parse_tried(text: str) -> Any:
    """Parse a typed value: ``5e-4..5e-3``, ``4,8``, ``8``, ``tune`` or ``default``."""
    if text in (TUNE, DEFAULT):
        return text == TUNE
    if ".." in text:
        return tuple(_number_or_word(end) for end in text.split(".."))
    return [_number_or_word(value) for value in text.split(",")]


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
    """Return why a list of values is invalid, as the end of a sentence; empty if it is valid."""
    if not values:
        return f"has no value; give {parameter.bounds}"
    for value in values:
        if not _fits(parameter, value):
            is_list = not parameter.words and not isinstance(value, int | float)
            several = "; several values are a list ([4, 8], on the command line 4,8)" * is_list
            return f"cannot be {_said(value)}; give {parameter.bounds}{several}"
    twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
    return "" if twice is None else f"has the value {_said(twice)} twice; give each value once"


def _said(value: Any) -> str:
    """Format a value for a sentence."""
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
            f"{name} from {' to '.join(map(_said, ends))} is not a range; give two {kind} {least} and up to "
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
    """Read a space from JSON: the inverse of ``dataclasses.asdict``."""
    return {
        name: Range(**tried) if "low" in tried else Choices(tuple(tried["values"])) for name, tried in document.items()
    }


def architectures(space: Space) -> tuple[str, ...]:
    """Return the networks in the space."""
    tried = space.get("architecture")
    return tuple(map(str, tried.values)) if isinstance(tried, Choices) else (Hyperparameters().architecture,)


def changes_latency(space: Space) -> bool:
    """Return whether a parameter that affects latency is tuned; all others affect only training."""
    return any(name in space and space[name].tuned for name in ("architecture", "image_size"))


def most_epochs(space: Space, otherwise: int) -> int:
    """Return the maximum number of epochs of a trial."""
    tried = space.get("epochs")
    if isinstance(tried, Range):
        return int(tried.high)
    return max(int(value) for value in tried.values) if tried else otherwise


def mean_epochs(space: Space, otherwise: int) -> float:
    """Return the mean number of epochs of a trial."""
    tried = space.get("epochs")
    if isinstance(tried, Range):
        return (tried.low + tried.high) / 2
    return fmean(float(value) for value in tried.values) if tried else otherwise


def default_values(space: Space) -> dict[str, Value]:
    """Return the parameters of trial 0: the defaults, each clipped to the nearest value in the space."""
    defaults: dict[str, Any] = Hyperparameters().to_json() | {"epochs": most_epochs(space, 0)}
    network = find_architecture(_nearest(Choices(architectures(space)), defaults["architecture"]))
    defaults |= {"image_size": network.image_size, "batch_size": network.batch_size}
    return {name: _nearest(tried, defaults[name]) for name, tried in space.items()}


def _nearest(tried: Tried, default: Any) -> Any:
    if isinstance(tried, Range):
        return min(max(default, tried.low), tried.high)
    if isinstance(default, str):
        return default if default in tried.values else tried.values[0]
    return min(tried.values, key=lambda value: abs(float(value) - default))


def params_near(space: Space, wanted: Mapping[str, Any]) -> dict[str, Value]:
    """Return the wanted values, or else the defaults, clipped to the space; for Optuna's ``enqueue_trial``."""
    values = default_values(space)
    return {name: _nearest(tried, wanted.get(name, values[name])) for name, tried in space.items() if tried.tuned}


def suggest_values(trial: "optuna.trial.Trial", space: Space) -> dict[str, Value]:
    """Suggest the values of a trial; repeated calls for the same trial return the same values."""
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
    """Return the hyperparameters of a trial; photo size and batch size default to those of its network."""
    known = {name: value for name, value in values.items() if name != "epochs"}
    architecture = find_architecture(known.get("architecture", Hyperparameters().architecture))
    return Hyperparameters(**{"image_size": architecture.image_size, "batch_size": architecture.batch_size} | known)
