import subprocess
import sys
from ctypes import CDLL

import pytest

from autodet.training import malloc_tuning

PROGRAM = """
import resource, sys
import torch
from autodet.training.malloc_tuning import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
torch.set_num_threads(1)
for _ in range(5):
    torch.ones(20_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(20_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    program = [sys.executable, "-c", PROGRAM, how]
    return int(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(CDLL(None), "mallopt"), reason="the C library is not glibc")
def test_what_was_freed_is_not_asked_for_again():
    assert faults("kept") < faults("as usual") / 2


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(malloc_tuning.ctypes, "CDLL", lambda _name: object())
    malloc_tuning.keep_freed_memory()
