"""A trainer that does what a script says, in place of the real one and with its contract: it checkpoints after
every epoch, tells its epochs again after a restart, and keeps its best epoch as a bundle with predictions."""

import json
import math
import os
import resource
import signal
import time
from dataclasses import replace
from pathlib import Path

from autodet.errors import TrainingError
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.model_card import SCORE, ModelCard
from autodet.records import Calibration, EpochResult, ScoreMap
from autodet.training.train_job import BEST_BUNDLE, CHECKPOINT, VAL_PREDICTIONS, EpochProgress, no_pulse
from autodet.workspace import write_atomically

SCRIPT = "AUTODET_TEST_SCRIPT"
MEGABYTE = 1_000_000


def train(job, pulse=no_pulse):
    script = json.loads(os.environ.get(SCRIPT, "{}"))
    trial = "refit" if job.refit else job.folder.name.partition("-")[0]
    checkpoint = job.folder / CHECKPOINT
    note(job, "starts")
    if job.members:
        yield from average(script, job)
        return
    (job.folder / "seed").write_text(str(job.seed))
    if job.start:
        note(job, f"from {read_bundle(job.start.bundle)[0].weights_sha256}")
    if script.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    done = [EpochResult(**result) for result in json.loads(checkpoint.read_text())] if checkpoint.exists() else []
    yield from done
    for epoch in range(len(done) + 1, job.epochs + 1):
        misfortune(script, job, trial, epoch)
        wait_for_company(script, job, epoch)
        wait_for_file(script)
        seconds = script.get("seconds_of_epoch", {}).get(str(epoch), script.get("seconds", 0.0))
        began, batches = time.monotonic(), script.get("batches", 1)
        for batch in range(1, batches + 1):
            time.sleep(seconds)
            pulse(EpochProgress(epoch, batch / batches, time.monotonic() - began))
        map50 = script.get("map50", {}).get(trial, [default_map50(trial, epoch)] * job.epochs)[epoch - 1]
        result = EpochResult(epoch, 1 / epoch, map50, map50 / 2, seconds, value_of(job, map50))
        result = replace(result, kept=job.refit or is_kept(script, result, done))
        if result.kept and job.objective.latency and not job.refit:
            result = replace(result, latency_ms=script["latency_ms"][trial])
        if result.kept:
            keep(job, result)
        done.append(result)
        padding = " " * int(script.get("checkpoint_megabytes", 0) * MEGABYTE)
        write_atomically(checkpoint, (json.dumps([one.to_json() for one in done]) + padding).encode())
        note(job, f"epoch {epoch}")
        yield result


def average(script, job):
    """Where the script wants so, the mean of all members has a score; otherwise no member joins the best one."""
    if "average" not in script:
        return
    misfortune(script, job, "average", 1)
    wait_for_file(script)
    time.sleep(script.get("seconds_of_average", 0))
    best, weights = zip(*map(read_bundle, job.members.values()), strict=True)
    map50 = script["average"]
    metrics = {"map50": map50, "map50_95": map50 / 2, SCORE: map50}
    card = replace(best[0], averaged=tuple(job.members), metrics=metrics)
    write_bundle(job.folder / BEST_BUNDLE, card, b" + ".join(weights))
    yield EpochResult(1, 0.0, map50, map50 / 2, 0.0, kept=True)


def is_kept(script, result, done):
    """Where the script wants so, a later epoch is kept if its score is at most a margin below the highest."""
    highest = max((earlier.score for earlier in done), default=-1)
    return result.score >= highest - script["margin"] if "margin" in script else result.score > highest


def default_map50(trial, epoch):
    return 0.9 if trial == "refit" else 0.5 + 0.01 * int(trial) + 0.001 * epoch


def value_of(job, map50):
    """Under another objective than mAP50 the worst epoch is the best."""
    return None if job.objective.is_default else 1 - map50


def misfortune(script, job, trial, epoch):
    if script.get("fail", {}).get(trial) == epoch:
        raise TrainingError(script.get("failure", "The photos are too beautiful; choose others."))
    if script.get("bug", {}).get(trial) == epoch:
        raise ZeroDivisionError("oh no")
    if script.get("killed", {}).get(trial) == epoch:
        os.kill(os.getpid(), signal.SIGKILL)
    if script.get("hangs", {}).get(trial) == epoch and not noted(job, "hangs"):
        note(job, "hangs")
        time.sleep(1000)
    if trial in script.get("photo_megabytes", {}):
        allocate(script, job, script["photo_megabytes"][trial])


def allocate(script, job, photo_megabytes):
    """Take so much memory for each photo of a batch, from a kernel that allows this process only so much more."""
    resource.setrlimit(resource.RLIMIT_AS, (virtual_bytes() + script["free_megabytes"] * MEGABYTE,) * 2)
    photos = math.ceil(job.hyperparameters.batch_size / job.accumulation)
    note(job, f"{photos} at a time")
    bytearray(photos * photo_megabytes * MEGABYTE)


def virtual_bytes():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def wait_for_company(script, job, epoch):
    """Where the script wants so, an epoch ends only after another trial has started beside this one."""
    if script.get("together") and epoch == 1:
        other = Path(job.folder.parent, str(1 - int(job.folder.name)), "notes")  # no attempt of either is lost
        deadline = time.monotonic() + 60
        while not other.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        note(job, "together" if other.exists() else "alone")


def wait_for_file(script):
    """Where the script wants so, no epoch ends before the test has made a file."""
    while "file" in script and not Path(script["file"]).exists():
        time.sleep(0.02)


def keep(job, result):
    card = ModelCard(
        name=job.name,
        classes=("apple", "banana"),
        architecture=job.hyperparameters.architecture,
        image_size=job.hyperparameters.image_size,
        params={"lr": job.hyperparameters.lr},
        dataset="d",
        dataset_fingerprint="f",
        metrics={"map50": result.map50, "map50_95": result.map50_95, SCORE: result.score},
        epoch=result.epoch,
        latency_ms=result.latency_ms,
        start_from=job.start.origin if job.start else None,
        calibration=None if job.refit else Calibration(ScoreMap((-4.0, 4.0), (-6.0, 5.0))),
        thresholds={} if job.refit else {"apple": 0.3, "banana": 0.4},
    )
    write_bundle(job.folder / BEST_BUNDLE, card, f"{'refit' if job.refit else 'trial'} {job.folder.name}".encode())
    (job.folder / VAL_PREDICTIONS).write_text(f"epoch {result.epoch}")


def note(job, what):
    job.folder.mkdir(parents=True, exist_ok=True)
    with (job.folder / "notes").open("a") as notes:
        notes.write(f"{os.getpid()} {job.device} {job.threads} {what}\n")


def noted(job, what):
    return what in (job.folder / "notes").read_text()
