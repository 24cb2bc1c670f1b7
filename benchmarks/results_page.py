"""How long the Results page takes to draw again with 50 trials of 20 epochs: the page's script, without the browser.

python -m benchmarks.results_page [--trials 50] [--epochs 20]
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from autodet.records import EpochResult, Hyperparameters, SearchStatus, TrialStatus
from autodet.search.snapshot import write_snapshot
from autodet.workspace import Workspace

REPEATS = 20


def main() -> None:
    """Write a large search into a workspace of its own, and draw the page again and again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["AUTODET_HOME"] = temporary
        folder = Workspace(Path(temporary)).searches / "large"
        folder.mkdir()
        write_snapshot(folder, _large_search(arguments.trials, arguments.epochs))
        app_file = Path(__file__).parents[1] / "app.py"
        page = AppTest.from_file(str(app_file), default_timeout=60).run().switch_page("pages/results.py").run()
        seconds = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            page.run()
            seconds.append(time.perf_counter() - started)
        if page.exception or page.error or not page.metric:
            raise SystemExit("The page failed; its log says why.")
    print(f"median {statistics.median(seconds):.3f} s, longest {max(seconds):.3f} s of {REPEATS}")


def _large_search(trials: int, epochs: int) -> SearchStatus:
    chance = random.Random(0)
    return SearchStatus(
        search="large",
        dataset="d",
        state="finished",
        trials=tuple(
            TrialStatus(
                number,
                "finished",
                Hyperparameters().to_json(),
                tuple(EpochResult(n, 1 / n, chance.random(), chance.random(), 20.0) for n in range(1, epochs + 1)),
            )
            for number in range(trials)
        ),
        planned_trials=trials,
        planned_epochs=epochs,
        created="2026-01-01T00:00:00+00:00",
    )


if __name__ == "__main__":
    main()
