"""Time to redraw the Results page for a large search: 50 trials of 20 epochs.

    python -m benchmarks.results_page [--trials 50] [--epochs 20] [--times 20]

Builds a workspace with such a search and runs the page as the server does, without the browser's part.
Prints a row for the README.
"""

import argparse
import math
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from autodet.records import EpochResult, Hyperparameters, SearchStatus, TrialStatus
from autodet.search.status.status_file import write_snapshot
from autodet.workspace import Workspace


def main() -> None:
    """Build the workspace, time the page, print the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AUTODET_HOME"] = folder
        _write_search(Workspace(Path(folder)), arguments.trials, arguments.epochs)
        seconds = _time_page(arguments.times)
    print(
        f"| Results drawn again, {arguments.trials} trials of {arguments.epochs} epochs "
        f"| {statistics.median(seconds):.2f} s in the median, {max(seconds):.2f} s at most |"
    )


def _write_search(workspace: Workspace, trials: int, epochs: int) -> None:
    chance = random.Random(0)
    folder = workspace.searches / "large"
    folder.mkdir()
    status = SearchStatus(
        search="large",
        dataset="large",
        state="finished",
        trials=tuple(_trial(number, epochs, chance) for number in range(trials)),
        planned_trials=trials,
        planned_epochs=epochs,
        created="2026-01-01T00:00:00+00:00",
    )
    write_snapshot(folder, status)


def _trial(number: int, epochs: int, chance: random.Random) -> TrialStatus:
    ceiling, speed = chance.uniform(0.4, 0.95), chance.uniform(1, 8)
    scores = [max(0.0, ceiling * (1 - math.exp(-epoch / speed)) + chance.gauss(0, 0.02)) for epoch in range(epochs)]
    results = tuple(
        EpochResult(epoch, math.exp(-epoch / 9), score, score * 0.6, 30.0) for epoch, score in enumerate(scores, 1)
    )
    return TrialStatus(number, "finished", Hyperparameters(lr=10 ** chance.uniform(-4, -2)).to_json(), results)


def _time_page(times: int) -> list[float]:
    app = AppTest.from_file(str(Path(__file__).parents[1] / "app.py"), default_timeout=60).run()
    app.switch_page("pages/results.py").run()
    assert not app.error
    assert not app.exception
    assert app.get("plotly_chart")
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        app.run()
        seconds.append(time.perf_counter() - begun)
    return seconds


if __name__ == "__main__":
    main()
