"""Specification of a search: its fields, their validation and storage."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import Any, Literal, Self

from autodet.errors import AutodetError, SearchError
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, Objective
from autodet.records import Notice, Origin, known_entries, notices_from_json, notices_to_json
from autodet.search.order.space import Space, changes_latency, make_space, space_from_json
from autodet.workspace import read_json, write_json

SPEC = "spec.json"
Place = Literal["workspace", "server"]  # study storage: the workspace's SQLite, or the settings' PostgreSQL
EXECUTORS = ("local", "ray")
SAMPLERS = ("tpe", "random", "gp")
PRUNERS = ("median", "hyperband", "asha", "none")
MAX_TRIALS, MAX_EPOCHS = 10_000, 1000
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class SearchSpec:
    """Specification of a search, written once and never changed.

    Attributes:
        name: Display name of the search and its model.
        dataset: Id of the data set.
        fingerprint: Fingerprint of the data set, to detect changes; empty in searches of earlier versions.
        trials: Number of trials.
        epochs: Epochs per trial; the maximum if they are tuned.
        time_limit: Time limit of the whole search in seconds, or None.
        space: Search space; parameters outside it keep their default.
        sampler: Sampler of parameter values: ``tpe``, ``random``, or ``gp``, a Gaussian process.
        pruner: Pruner of trials that fall behind: ``median``, ``hyperband``, ``asha`` or ``none``; always ``none`` with
            two objectives, because Optuna cannot prune those.
        patience: Early stopping: a trial ends after this many epochs without improvement; None disables it.
        objective: Metric that selects the best epoch, and so the best trial and model; see
            ``autodet.evaluation.objective``.
        known_good: Parameters of trial 1: the best ones of an earlier search.
        start_from: Model with the starting weights of every trial; the search folder holds a copy.
        defaults: Overrides of the usual defaults in trial 0: that model's photo size, or one that fits the data set.
        device: ``cpu`` or ``cuda:N`` to use only that device; None for every device slot.
        seed: Makes a search on one device reproducible; 0 to ``MAX_SEED``.
        executor: Where trials run: ``local``, on this machine's device slots, or ``ray``, on the settings' cluster.
        repeat: Whether combinations are trained again with other seeds once all have been tried; otherwise the search
            ends then.
        hardware: Hardware that the search started on, so that later forecasts can use its times; see
            ``autodet.search.planning.epoch_times``. Empty in searches of earlier versions, and on a Ray cluster.
        refit: Whether the best parameters are trained once more at the end, on training and validation photos.
        storage: Storage of the study: the ``workspace``, or the ``server`` from the settings.
        created: Creation time, ISO 8601 with time zone.
        why: Reasons for the chosen values, which ``autodet.messages.plans`` renders as sentences.
    """

    name: str
    dataset: str
    trials: int = 3
    epochs: int = 20
    time_limit: float | None = None
    space: Space = field(default_factory=make_space)
    sampler: str = "tpe"
    pruner: str = "median"
    patience: int | None = None
    objective: str = DEFAULT_OBJECTIVE
    known_good: Mapping[str, Any] = field(default_factory=dict)
    start_from: Origin | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    seed: int = 0
    executor: str = "local"
    repeat: bool = False
    hardware: Mapping[str, Any] = field(default_factory=dict)
    refit: bool = False
    storage: Place = "workspace"
    created: str = ""
    why: tuple[Notice, ...] = ()
    fingerprint: str = ""

    @cached_property
    def goal(self) -> Objective:
        """The parsed objective."""
        return Objective.parse(self.objective)

    def check(self) -> None:
        """Validate the fields.

        Raises:
            SearchError: A value is invalid; the message says which.
        """
        for name, value in (("trials", self.trials), ("epochs", self.epochs), ("seed", self.seed)):
            if not isinstance(value, int) or isinstance(value, bool):
                raise SearchError(f"{name} is {value!r}; give a whole number.")
        if not 1 <= self.trials <= MAX_TRIALS:
            raise SearchError(f"{self.trials} trials make no search; ask for 1 to {MAX_TRIALS}.")
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise SearchError(f"{self.epochs} epochs make no trial; ask for 1 to {MAX_EPOCHS}.")
        if self.time_limit is not None and (not isinstance(self.time_limit, Real) or self.time_limit is True):
            raise SearchError(f"The time limit is {self.time_limit!r}; give a number of seconds, or none.")
        if self.time_limit is not None and not 0 < self.time_limit < math.inf:
            raise SearchError(f"A time limit of {self.time_limit:g} seconds makes no sense; give more than 0, or none.")
        if not 0 <= self.seed <= MAX_SEED:
            raise SearchError(f"The seed {self.seed} is out of range; give one of 0 to {MAX_SEED}.")
        self._check_choices()
        self.goal.check()
        self._check_pair()
        if self.executor not in EXECUTORS:
            raise SearchError(f"{self.executor!r} is not a place to run trials; choose one of {', '.join(EXECUTORS)}.")
        if self.executor == "ray" and self.device is not None:
            raise SearchError("On a Ray cluster, Ray chooses the devices; leave the device out.")
        if self.device is not None and not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            raise SearchError(f"{self.device!r} is not a device; give cpu, or cuda:0 and so on.")

    def _check_choices(self) -> None:
        for name, chosen, known in (("sampler", self.sampler, SAMPLERS), ("pruner", self.pruner, PRUNERS)):
            if chosen not in known:
                raise SearchError(f"There is no {name} {chosen!r}; choose one of {', '.join(known)}.")
        if self.sampler == "gp" and not find_spec("scipy"):
            raise SearchError("The sampler gp needs the package scipy, which is not installed; choose tpe or random.")
        if self.patience is not None and (type(self.patience) is not int or self.patience < 1):
            raise SearchError(f"A patience of {self.patience} epochs makes no sense; give 1 or more, or none.")

    def _check_pair(self) -> None:
        """Check that a search with latency has no pruner, and tunes a parameter that changes latency."""
        if not self.goal.latency:
            return
        if self.pruner != "none":
            raise SearchError(
                f"Trials of a search for {self.objective} are not pruned, because Optuna compares trials under way by "
                "one figure only; leave the pruner out. A patience ends trials that get no better."
            )
        if not changes_latency(self.space):
            raise SearchError(
                f"A search for {self.objective} needs something to try that changes how long a prediction takes; tune "
                "image_size (--space image_size=tune) or architecture, or search for "
                f"{self.goal.quality} alone."
            )

    def write(self, folder: Path) -> None:
        """Write the specification into a search folder."""
        write_json(folder / SPEC, asdict(self) | {"why": notices_to_json(self.why)})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the specification of the search in a folder.

        Raises:
            SearchError: The file is missing or damaged.
        """
        try:
            document: dict[str, Any] = read_json(folder / SPEC)
            space = _space_of(document)
            origin = Origin.from_json(document.get("start_from"))
            why = notices_from_json(document.get("why", []))
            return cls(**known_entries(cls, document) | {"space": space, "start_from": origin, "why": why})
        except (AutodetError, OSError, KeyError, TypeError) as error:
            raise SearchError(
                f"The search {folder.name} is damaged: {folder / SPEC} cannot be read; delete its folder."
            ) from error


def _space_of(document: dict[str, Any]) -> Space:
    if "space" in document:
        return space_from_json(document["space"])
    lr, architecture = document.pop("lr_range"), document.pop("architecture")  # format of earlier versions
    return make_space({"lr": tuple(lr), "architecture": architecture})
