"""Epoch times of earlier searches, for forecasts on the same data set and hardware."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from autodet.datasets.manifest import Dataset
from autodet.errors import SearchError
from autodet.models.registry import ARCHITECTURES
from autodet.records import SearchStatus, TrialStatus
from autodet.search.api import search_folders
from autodet.search.order.spec import SearchSpec
from autodet.search.run.time_budget import mean_epoch_seconds
from autodet.search.status.status_file import read_snapshot
from autodet.settings import load_settings
from autodet.training.hardware import Hardware, Measure, find_hardware
from autodet.workspace import Workspace

MAX_SEARCHES = 10  # only the newest searches are read


def hardware_facts(spec: SearchSpec) -> dict[str, Any]:
    """Return the hardware entry of a search's spec; empty for a Ray cluster, whose machines are unknown."""
    return {} if spec.executor == "ray" else _facts(find_hardware(load_settings(), spec.device))


def measured_hardware(hardware: Hardware, dataset: Dataset) -> Hardware:
    """Return the hardware with epoch times from the workspace's earlier searches on it with the same data set.

    Args:
        hardware: The hardware.
        dataset: A data set in a workspace.
    """
    workspace = Workspace(dataset.folder.parent.parent)
    photos = len(dataset.split("train")), len(dataset.split("val"))
    measures: dict[tuple[str, int], Measure] = {}
    for folder in _comparable(hardware, dataset, workspace)[:MAX_SEARCHES]:
        for measure in _measures(folder, photos):
            measures.setdefault((measure.architecture, measure.image_size), measure)
    return replace(hardware, measured=tuple(measures.values()))


def _facts(hardware: Hardware) -> dict[str, Any]:
    return {
        "gpus": hardware.on_gpus,
        "cores": hardware.cores,
        "gpu_memory_bytes": hardware.gpu_memory_bytes,
        "bfloat16": hardware.bfloat16,
    }


def _comparable(hardware: Hardware, dataset: Dataset, workspace: Workspace) -> list[Path]:
    """Return the folders of searches on the same data set and hardware, the newest first."""
    comparable = []
    for folder in search_folders(workspace):
        try:
            spec = SearchSpec.read(folder)
        except SearchError:  # damaged
            continue
        if spec.fingerprint == dataset.fingerprint and spec.hardware == _facts(hardware):
            comparable.append((spec.created, folder))
    return [folder for _, folder in sorted(comparable, reverse=True)]


def _measures(folder: Path, photos: tuple[int, int]) -> Iterator[Measure]:
    """Yield the measured times of a search, one per network and photo size."""
    try:
        status = read_snapshot(folder)
    except SearchError:
        return
    for (architecture, image_size), trials in _by_size(status).items():
        startups = [
            attempt.startup_seconds
            for trial in trials
            for attempt in trial.attempts
            if attempt.startup_seconds is not None
        ]
        yield Measure(
            architecture,
            image_size,
            *photos,
            epoch_seconds=fmean(map(mean_epoch_seconds, trials)),
            startup_seconds=fmean(startups) if startups else None,
        )


def _by_size(status: SearchStatus) -> dict[tuple[str, int], list[TrialStatus]]:
    """Group the trials with at least one epoch by network and photo size, the newest trial's group first."""
    groups: dict[tuple[str, int], list[TrialStatus]] = {}
    for trial in reversed(status.trials):
        kind = trial.params.get("architecture"), trial.params.get("image_size")
        if trial.epochs and kind[0] in ARCHITECTURES and kind[1]:
            groups.setdefault((str(kind[0]), int(kind[1])), []).append(trial)
    return groups
