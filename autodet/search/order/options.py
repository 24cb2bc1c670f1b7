"""Options of a search: one field each, with the description from which everything else derives.

The command line, the page Train, ``start_search``, the validation and ``spec.json`` read the descriptions in
``OPTIONS``. To add an option, add a field to ``StoredOptions`` and its type to ``SearchKeywords``; then write the code
that reads the value from the ``SearchSpec``.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from textwrap import fill, indent
from typing import Any, ParamSpec, TypedDict, TypeVar, get_args, get_type_hints

from autodet.errors import SearchError
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, OBJECTIVES, Objective
from autodet.models.registry import ARCHITECTURES, find_architecture
from autodet.search.order.space import PARAMETERS

MAX_TRIALS, MAX_EPOCHS = 10_000, 1000
MAX_SEED = 2**31 - 1

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Option:
    """Description of an option.

    Attributes:
        name: Name in Python and in ``spec.json``; with hyphens, on the command line.
        kind: Type of a value: ``bool``, ``int``, ``float`` or ``str``; ``object`` for other types.
        default: Default value; None leaves the choice to the preset, or to the usual value.
        help: Meaning, one sentence without capital and full stop.
        details: Further sentences for Python.
        label: Label on the page Train; empty for options that are not on the page.
        hint: Help of the field on the page.
        least: Lowest valid number.
        most: Highest valid number; the default excludes infinity.
        choices: Valid values, each with its title on the page; empty if others are valid.
        unit: Unit of a number.
        metavar: Placeholder of the value on the command line; by default the unit.
        refusal: Sentence for an invalid value, with the placeholders ``value``, ``least`` and ``most``.
    """

    name: str
    kind: type
    default: Any
    help: str
    details: str = ""
    label: str = ""
    hint: str = ""
    least: float = -sys.float_info.max
    most: float = sys.float_info.max
    choices: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    metavar: str = ""
    refusal: str = ""

    @property
    def doc(self) -> str:
        """The meaning as sentences, for Python."""
        return f"{self.help[0].upper()}{self.help[1:]}.{' ' * bool(self.details)}{self.details}"

    def problem(self, value: Any) -> str | None:
        """Return why a value has the wrong type or is out of range, as a sentence; None if it is valid."""
        if value is None and self.default is None:
            return None
        if self.kind is int and (not isinstance(value, int) or isinstance(value, bool)):
            return f"{self.name} must be a whole number; got {value!r}."
        if self.kind is float and (not isinstance(value, Real) or isinstance(value, bool)):
            unit = f" of {self.unit}" if self.unit else ""
            return f"{self.name} must be a number{unit}; got {value!r}."
        if self.kind in (int, float) and not self.least <= value <= self.most:
            sentence = self.refusal or f"{self.name} must be between {{least:,}} and {{most:,}}; got {{value:,}}."
            return sentence.format(value=value, least=self.least, most=self.most)
        if self.choices and value not in tuple(self.choices):
            sentence = self.refusal or f"There is no {self.name} {{value!r}}; choose one of {{choices}}."
            return sentence.format(value=value, choices=", ".join(self.choices))
        return None


def _option(default: Any, help: str, **description: Any) -> Any:
    """Return a field with a description; the arguments are attributes of ``Option``."""
    return field(default=default, metadata={"help": help, **description})


@dataclass(frozen=True, kw_only=True)
class StoredOptions:
    """Options that ``spec.json`` stores under their own names; ``OPTIONS`` describes each."""

    trials: int | None = _option(
        None,
        "how many trials (default 3)",
        label="Trials",
        hint="The first trial uses the default settings.",
        least=1,
        most=MAX_TRIALS,
    )
    epochs: int | None = _option(
        None,
        "epochs per trial (default 20)",
        details="Same as ``epochs`` in ``space``.",
        label="Epochs per trial",
        hint="Passes through the training photos.",
        least=1,
        most=MAX_EPOCHS,
    )
    time_limit: float | None = _option(
        None,
        "stop the whole search after this many seconds; the best model so far is kept",
        label="Time limit in minutes",
        hint="The search ends then, and keeps its best model so far.",
        least=sys.float_info.min,  # above 0
        unit="seconds",
        refusal="time_limit must be a finite number of seconds above 0; got {value:g}.",
    )
    sampler: str | None = _option(
        None,
        "sampler of parameter values (default tpe)",
        details="``gp`` is a Gaussian process and needs scipy.",
        label="Sampler",
        choices={"tpe": "TPE: learns from earlier trials", "random": "Random", "gp": "Gaussian process"},
    )
    pruner: str | None = _option(
        None,
        "pruner, which ends trials that fall behind (default median; none for a pair of objectives)",
        label="Pruning: end weak trials early",
        hint="The first trial is never pruned.",
        choices={
            "median": "Median: if worse than the median halfway",
            "hyperband": "Hyperband, for many trials",
            "asha": "Successive halving, for many trials",
            "none": "Never",
        },
    )
    patience: int | None = _option(
        None,
        "early stopping: end a trial after this many epochs without improvement; 0 for never (default)",
        label="Early stopping: epochs without improvement",
        least=0,
        unit="epochs",
        refusal="patience must be 1 or more epochs, or 0 for never; got {value}.",
    )
    objective: str = _option(
        DEFAULT_OBJECTIVE,
        f"objective to maximize; with +latency, the prediction time is minimized too: {', '.join(OBJECTIVES)}",
        details="``recall@0.9`` is the recall at that precision. With ``+latency``, the space must vary ``image_size`` "
        "or ``architecture``, and ``Search.pareto_front`` is the result.",
        label="Objective",
        hint="Metric on the validation photos that the best trial maximizes.",
    )
    device: str | None = _option(None, "use only this device, cpu or cuda:N (default: every device slot)")
    executor: str = _option(
        "local",
        "where trials run: local (default), or ray, the cluster of AUTODET_RAY_ADDRESS",
        label="Where to run",
        choices={"local": "This machine", "ray": "Ray cluster"},
    )
    repeat: bool = _option(
        False,
        "when every combination has been tried, train combinations again with other seeds (else the search ends)",
        details="No effect if a continuous parameter is tuned.",
    )
    refit: bool = _option(
        False,
        "train the best parameters once more at the end, on training and validation photos",
        details="The metrics stay those of the best trial, whose own model is kept too.",
        label="Retrain the best trial on training and validation photos",
        hint="At the end, with the number of epochs of the best trial. No photos are left to evaluate that model, so "
        "it shows the metrics of the best trial, whose own model is kept too.",
    )
    train_share: float = _option(
        1.0,
        "train on this share of the training photos, above 0 and at most 1 (default)",
        details="They are drawn with the seed, stratified by class; a smaller share is a part of a larger one. Epochs "
        "repeat them, so that they have as many steps as with all.",
        least=sys.float_info.min,  # above 0
        most=1.0,
        refusal="train_share must be above 0 and at most 1; got {value:g}.",
    )
    seed: int = _option(
        0,
        "seed of the random numbers, which makes a search on one device reproducible",
        least=0,
        most=MAX_SEED,
    )

    def check(self) -> None:
        """Validate the options.

        Raises:
            SearchError: A value is invalid; the message says which.
        """
        for option in map(OPTIONS.get, vars(self)):
            if option and (problem := option.problem(getattr(self, option.name))):
                raise SearchError(problem)
        Objective.parse(self.objective).check()
        if self.sampler == "gp" and not find_spec("scipy"):
            raise SearchError("The sampler gp needs the package scipy, which is not installed; choose tpe or random.")
        if self.executor == "ray" and self.device is not None:
            raise SearchError("On a Ray cluster, Ray chooses the devices; leave the device out.")
        if self.device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            raise SearchError(f"{self.device!r} is not a device; give cpu, or cuda:0 and so on.")


@dataclass(frozen=True, kw_only=True)
class SearchOptions(StoredOptions):
    """Options of a search, as a user gives them; ``OPTIONS`` describes each field.

    None leaves a choice to the preset, or to the usual value. ``spec.json`` has the resolved values:
    the search space, the identity of the starting model, and the best parameters of the earlier search.
    """

    preset: str | None = _option(
        None,
        "choose omitted values (trials, epochs, space, sampler, pruner, patience) by the data set and the devices",
        label="How much effort",
        choices={"quick": "Quick look", "balanced": "Balanced", "best": "Best"},
    )
    lr_range: tuple[float, float] | None = _option(
        None,
        "lowest and highest learning rate; same as ``lr`` in ``space``",
        label="Learning rate, from and to",
        hint="How far one training step changes the weights. Each trial tries a value from this range.",
    )
    architecture: str | None = _option(
        None,
        f"network: {', '.join(ARCHITECTURES)}",
        details="Same as in ``space``.",
        choices={name: architecture.title for name, architecture in ARCHITECTURES.items()},
        metavar="NAME",
    )
    space: Mapping[str, Any] | None = _option(
        None,
        f"search space by the names of the parameters: {', '.join(PARAMETERS)}",
        details="Each has a value, ``(lowest, highest)``, a list, True for the usual range, or False for the default.",
    )
    start_from: str | Path | None = _option(  # noqa: RUF009 - a field, as for the others
        None,
        "a model's id or name, or an .autodet file, whose weights every trial begins with; its network is kept",
        details="Its photo size is kept too unless ``space`` sets one. Classes are matched by name; new classes start "
        "untrained.",
        label="Starting weights",
        hint="A model brings its network and photo size. Classes with the same name keep their learned weights.",
        metavar="MODEL",
    )
    warm_start: str | None = _option(
        None,
        "an earlier search, whose best parameters are tried next after the defaults",
        label="Also try the best parameters of",
        hint="The parameters of its best trial are tried right after the defaults; its weights are not used.",
        metavar="SEARCH",
    )

    def check(self) -> None:
        """Validate the options.

        Raises:
            SearchError: A value is invalid; the message says which.
            ModelError: The architecture does not exist.
        """
        if self.architecture is not None:
            find_architecture(self.architecture)
        super().check()


class SearchKeywords(TypedDict, total=False):
    """The fields of ``SearchOptions`` as keyword arguments, for type checkers; a test keeps the two equal."""

    trials: int | None
    epochs: int | None
    time_limit: float | None
    sampler: str | None
    pruner: str | None
    patience: int | None
    objective: str
    device: str | None
    executor: str
    repeat: bool
    refit: bool
    train_share: float
    seed: int
    preset: str | None
    lr_range: tuple[float, float] | None
    architecture: str | None
    space: Mapping[str, Any] | None
    start_from: str | Path | None
    warm_start: str | None


def _described(options: type) -> dict[str, Option]:
    """Return the descriptions of the fields of an options class."""
    hints = get_type_hints(options)
    described = {}
    for option_field in fields(options):
        name = option_field.name
        types = get_args(hints[name]) or (hints[name],)
        kind = next((kind for kind in (bool, int, float, str) if kind in types), object)
        described[name] = Option(name, kind, option_field.default, **option_field.metadata)
    return described


OPTIONS = _described(SearchOptions)


def lists_options(function: Callable[P, R]) -> Callable[P, R]:
    """List the options in the signature and the docstring of a function that takes ``SearchKeywords``."""
    signature, hints = inspect.signature(function), get_type_hints(SearchOptions)
    own = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    listed = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=hints[name])
        for name, option in OPTIONS.items()
    ]
    lines = [fill(f"{name}: {option.doc}", 112, subsequent_indent="    ") for name, option in OPTIONS.items()]
    text = indent("\n".join(lines), " " * 8)
    function.__signature__ = signature.replace(parameters=[*own, *listed])  # type: ignore[attr-defined]
    function.__doc__ = f"{(function.__doc__ or '').rstrip()}\n\n    Options:\n{text}"
    return function
