"""The fast tier is honest and whole: its tests start and train nothing, and every room of the package has some."""

import os
import re
from pathlib import Path

import pytest
import torch

from tests.tiers import FAST_FILES

ROOT = Path(__file__).parents[1]


def forgiven(watch):
    """Forget what this test has provoked."""
    watch.broken = ""


def test_an_unmarked_test_starts_no_process(fast_unless_marked):
    with pytest.raises(pytest.fail.Exception, match="'process'"):
        os.posix_spawn("/bin/true", ["true"], {})
    forgiven(fast_unless_marked)


def test_an_unmarked_test_trains_no_network(fast_unless_marked):
    weight = torch.zeros(1, requires_grad=True)
    weight.sum().backward()
    with pytest.raises(pytest.fail.Exception, match="'trains'"):
        torch.optim.SGD([weight], lr=1.0).step()
    assert weight == 0
    forgiven(fast_unless_marked)


@pytest.mark.process
def test_a_marked_test_may_start_processes():
    assert os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0


def rooms():
    packages = (".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "autodet").rglob("__init__.py"))
    return sorted({*packages, "autodet.cli", "autodet.settings", "autodet.workspace"})


def test_the_fast_tier_has_tests_of_every_room(request):
    files = request.config.stash[FAST_FILES]
    if not files.keys() >= {*(ROOT / "tests").rglob("test_*.py")}:
        return  # only a part of the tests was collected
    text = "\n".join(path.read_text(encoding="utf-8") for path, fast in files.items() if fast)

    def is_tested(room: str) -> bool:
        page = room.removeprefix("autodet.ui.")
        package, _, name = room.rpartition(".")
        used = rf'\b{re.escape(room)}\b|from {re.escape(package)} import .*\b{name}\b|\bvisit\("{page}"'
        return bool(re.search(used, text))

    assert [room for room in rooms() if not is_tested(room)] == []
