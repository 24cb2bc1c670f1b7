"""Memory that runs out, for real: a kernel that allows a worker only so much, and torch's own words for it."""

import subprocess
import sys
from dataclasses import replace

import pytest

from autodet.errors import TrainingError
from autodet.records import TrialStatus
from autodet.search.executors import TrialFailed, TrialTooLarge, event_of
from autodet.search.executors.oom import is_out_of_memory, out_of_memory_kills
from autodet.search.run.oom_backoff import MemoryBackoff

SEARCH = "fruit"


def test_a_trial_that_does_not_fit_goes_on_in_parts_and_one_that_never_fits_fails_alone(cli, notes):
    script = {"free_megabytes": 500, "photo_megabytes": {"0": 200, "1": 200, "2": 600}}
    words = ("search", "fruit", "--trials", 3, "--epochs", 2, "--space", "batch_size=4", "--json")
    code, status, _ = cli(*words, script=script).ends()
    assert (code, status["state"]) == (0, "finished")
    first, second, never = status["trials"]
    assert [trial["state"] for trial in status["trials"]] == ["finished", "finished", "failed"]
    assert first["effective"] == second["effective"] == {"batch_size": 2, "accumulation": 2}
    assert first["params"]["batch_size"] == 4
    tried = [what for *_, what in notes(SEARCH, 0)]
    assert tried == ["starts", "4 at a time", "starts", "2 at a time", "epoch 1", "2 at a time", "epoch 2"]
    assert len({pid for pid, *_ in notes(SEARCH, 0)}) == 2  # a fresh process
    assert [what for *_, what in notes(SEARCH, 1)][:2] == ["starts", "2 at a time"]  # what the first has found out
    assert [what for *_, what in notes(SEARCH, 2) if "at a time" in what] == ["2 at a time", "1 at a time"]
    assert "even with one photo at a time" in never["error"]


@pytest.mark.parametrize(("batch_size", "tried"), [(1, [1]), (4, [4, 2, 1]), (6, [6, 3, 2, 1])])
def test_parts_get_smaller_until_each_is_one_photo(batch_size, tried):
    trial = TrialStatus(0, "running", {"architecture": "a", "image_size": 320, "batch_size": batch_size})
    other = replace(trial, params={**trial.params, "image_size": 640})
    fitting, sizes = MemoryBackoff([]), []
    while True:
        trial = replace(trial, effective=fitting.effective(trial.params))
        sizes.append(trial.effective.get("batch_size", batch_size))
        if not fitting.shrink(trial):
            break
    assert sizes == tried
    assert fitting.effective(other.params) == {}
    assert MemoryBackoff([trial]).effective(trial.params) == trial.effective


def test_torch_without_memory_is_told_from_other_errors():
    code = (
        "import resource, torch\n"
        "from autodet.search.executors.oom import is_out_of_memory\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 10**8,) * 2)\n"
        "try: torch.zeros(10**9)\n"
        "except RuntimeError as error: print(is_out_of_memory(error))\n"
        "try: torch.zeros(3) @ torch.zeros(4)\n"
        "except RuntimeError as error: print(is_out_of_memory(error))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["True", "False"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("could not create a primitive descriptor for a convolution"), False),
        (RuntimeError("shape mismatch"), False),
        (TrainingError("The loss was no longer a finite number."), False),
        (OSError(2, "No such file or directory"), False),
    ],
)
def test_errors_that_mean_memory(error, expected):
    assert is_out_of_memory(error) is expected
    assert isinstance(event_of(0, error), TrialTooLarge if expected else TrialFailed)


def test_the_kernel_tells_how_often_memory_ran_out_and_where_it_does_not_nobody_is_blamed(tmp_path, monkeypatch):
    assert out_of_memory_kills() >= 0
    monkeypatch.setattr("autodet.search.executors.oom.VMSTAT", tmp_path / "vmstat")
    assert out_of_memory_kills() == 0
    (tmp_path / "vmstat").write_text("nr_free_pages 7\noom_kill 3\n")
    assert out_of_memory_kills() == 3
