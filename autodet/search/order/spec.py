"""Specification of a search: its fields, their validation and storage."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from autodet.errors import AutodetError, SearchError
from autodet.evaluation.objective import Objective
from autodet.records import FollowUp, Notice, Origin, known_entries, notices_from_json, notices_to_json
from autodet.search.order.options import StoredOptions
from autodet.search.order.space import Choices, Space, changes_latency, make_space, space_from_json
from autodet.text_format import counted
from autodet.workspace import read_json, write_json

SPEC = "spec.json"
EARLIER_DEFAULT = "fasterrcnn_efficientnet_lite0"  # the network of earlier versions' searches that name none
Place = Literal["workspace", "server"]  # study storage: the workspace's SQLite, or the settings' PostgreSQL


@dataclass(frozen=True)
class SearchSpec(StoredOptions):
    """Specification of a search, written once and never changed: the stored options, with open choices made, and facts.

    Attributes:
        name: Display name of the search and its model.
        dataset: Id of the data set.
        trials: Number of trials.
        epochs: Epochs per trial; the maximum if they are tuned.
        sampler: Sampler of parameter values.
        pruner: Pruner of trials that fall behind; always ``none`` with two objectives, because Optuna cannot prune
            those.
        patience: Early stopping: a trial ends after this many epochs without improvement; None disables it.
        space: Search space, which names the network; other parameters outside it keep their default.
        known_good: Parameters of trial 1: the best ones of an earlier search.
        start_from: Model with the starting weights of every trial; the search folder holds a copy.
        defaults: Overrides of the usual defaults in trial 0: that model's photo size, or one that fits the data set.
        hardware: Hardware that the search started on, so that later forecasts can use its times; see
            ``autodet.search.planning.epoch_times``. Empty in searches of earlier versions, and on a Ray cluster.
        storage: Storage of the study: the ``workspace``, or the ``server`` from the settings.
        created: Creation time, ISO 8601 with time zone.
        why: Reasons for the chosen values, which ``autodet.messages.plans`` renders as sentences.
        fingerprint: Fingerprint of the data set, to detect changes; empty in searches of earlier versions.
        follow_up: The search that it follows, and its trials; None for a search that looks for parameters.
        owner: Who started it; empty if unknown.
    """

    name: str
    dataset: str
    _: KW_ONLY
    trials: int = 3
    epochs: int = 20
    sampler: str = "tpe"
    pruner: str = "median"
    patience: int | None = None
    space: Space = field(default_factory=make_space)
    known_good: Mapping[str, Any] = field(default_factory=dict)
    start_from: Origin | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    storage: Place = "workspace"
    created: str = ""
    why: tuple[Notice, ...] = ()
    fingerprint: str = ""
    follow_up: FollowUp | None = None
    owner: str = ""

    def __repr__(self) -> str:
        """Return a short form, for notebooks."""
        size = f"{counted(self.trials, 'trial')} of {counted(self.epochs, 'epoch')}"
        return f"SearchSpec({self.name!r}, data set {self.dataset!r}, {size}, {self.objective})"

    @cached_property
    def goal(self) -> Objective:
        """The parsed objective."""
        return Objective.parse(self.objective)

    def check(self) -> None:
        """Validate the fields.

        Raises:
            SearchError: A value is invalid; the message says which.
        """
        super().check()
        self._check_pair()

    def _check_pair(self) -> None:
        """Check that a search with latency has no pruner, and tunes a parameter that changes latency."""
        if not self.goal.latency:
            return
        if self.pruner != "none":
            raise SearchError(
                f"Trials of a search for {self.objective} cannot be pruned, because pruning compares trials by a "
                "single metric; leave the pruner out. A patience ends trials that stop improving."
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
            follow_up = FollowUp.from_json(document.get("follow_up"))
            values = {"space": space, "start_from": origin, "why": why, "follow_up": follow_up}
            return cls(**known_entries(cls, document) | values)
        except (AutodetError, OSError, AttributeError, KeyError, TypeError) as error:
            raise SearchError(
                f"The search {folder.name} is damaged: {folder / SPEC} cannot be read; delete its folder."
            ) from error


def _space_of(document: dict[str, Any]) -> Space:
    if "space" in document:
        return {"architecture": Choices((EARLIER_DEFAULT,))} | space_from_json(document["space"])
    lr, architecture = document.pop("lr_range"), document.pop("architecture")  # format of earlier versions
    return make_space({"lr": tuple(lr), "architecture": architecture})
