"""The fast tier: tests that neither start a process nor train a network nor compute for long (``make test-fast``).

Markers say what a test does. Most follow from what it uses: fixtures and helpers that ``implies`` decorates, and the
names below. An unmarked test that starts a process or trains a network fails.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

PROCESS, TRAINS, SLOW = "process", "trains", "slow"
NOT_FAST = {PROCESS, TRAINS, SLOW, "browser"}
SECOND_TRY = {PROCESS, "browser"}  # in CI, whose machine may be busy; elsewhere a race shows at once
IMPLIED_BY_NAME = {
    "subprocess": PROCESS,
    "multiprocessing": PROCESS,
    "autodet.datasets.imports.import_job.start_import": PROCESS,
    "autodet.processes.start_process": PROCESS,
    "autodet.training.loop.train": TRAINS,
}
FAST_FILES = pytest.StashKey[dict[Path, bool]]()  # every collected file, and whether it has a test of the fast tier
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}


def implies(marker):
    """Give every test that uses the decorated fixture or helper a marker."""

    def note(function):
        function.implied_marker = marker
        return function

    return note


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(config, items):
    """Add the markers that follow from what tests use, and put the files with most slow tests first.

    Parallel workers take a file at a time: the fast ones at the end fill the gaps.
    """
    files = config.stash.setdefault(FAST_FILES, {})
    for item in items:
        for marker in _implied(item):
            item.add_marker(marker)
        if os.environ.get("CI") and SECOND_TRY.intersection(mark.name for mark in item.iter_markers()):
            item.add_marker(pytest.mark.flaky(reruns=1))  # the summary lists it
        files[item.path] = files.get(item.path, False) or is_fast(item)
    slow = Counter(item.path for item in items if not is_fast(item))
    items.sort(key=lambda item: -slow[item.path])


def is_fast(item: pytest.Item) -> bool:
    """Whether a test belongs to the fast tier."""
    return not NOT_FAST.intersection(mark.name for mark in item.iter_markers())


def _implied(item: pytest.Item) -> set[str]:
    if getattr(item.obj, "is_hypothesis_test", False):
        return {SLOW}  # hundreds of examples
    fixtures = [definition.func for found in item._fixtureinfo.name2fixturedefs.values() for definition in found]
    seen: set[FunctionType] = set()
    return {marker for function in (item.obj, *fixtures) for marker in _markers_of(function, seen)}


def _markers_of(function: object, seen: set[FunctionType]) -> Iterator[str]:
    """The markers of a function and of the helpers that it names."""
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    if marker := getattr(function, "implied_marker", None):
        yield marker
    for value in map(function.__globals__.get, _names(function.__code__)):
        if isinstance(value, FunctionType | ModuleType):
            name = value.__name__ if isinstance(value, ModuleType) else f"{value.__module__}.{value.__name__}"
            if name in IMPLIED_BY_NAME:
                yield IMPLIED_BY_NAME[name]
            elif name.startswith("tests."):
                yield from _markers_of(value, seen)


def _names(code: CodeType) -> Iterator[str]:
    """The global names in a function and in those within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class _Watch:
    """Notes what an unmarked test must not do."""

    def __init__(self) -> None:
        self.active, self.broken, self.sees_training = False, "", False

    def forbid(self, marker: str) -> None:
        """Fail the test that runs now; it may swallow the failure, or be in another thread."""
        if self.active:
            self.broken = f"It needs the marker {marker!r}: see tests/tiers.py."
            pytest.fail(self.broken)

    def audit(self, event: str, _arguments: object) -> None:
        if event in STARTS and self.active and not _is_importing():
            self.forbid(PROCESS)

    def see_training(self) -> None:
        """Hear of optimizer steps from now on, if torch is loaded."""
        if "torch" in sys.modules and not self.sees_training:
            from torch.optim.optimizer import register_optimizer_step_pre_hook

            register_optimizer_step_pre_hook(lambda *_: self.forbid(TRAINS))
            self.sees_training = True


def _is_importing() -> bool:
    """Whether a module is being loaded: torch asks ldconfig for libraries then."""
    frame = sys._getframe()
    while frame := frame.f_back:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
    return False


_watch = _Watch()
_start = BaseProcess.start


def _watched_start(process: BaseProcess) -> None:
    _watch.forbid(PROCESS)  # no audit event tells of spawned processes
    _start(process)


BaseProcess.start = _watched_start
sys.addaudithook(_watch.audit)


@pytest.fixture(autouse=True)
def fast_unless_marked(request):
    """An unmarked test starts no process and trains no network."""
    _watch.see_training()
    _watch.active, _watch.broken = is_fast(request.node), ""
    yield _watch
    _watch.active = False
    if _watch.broken:
        pytest.fail(_watch.broken)
