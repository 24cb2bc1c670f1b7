"""Make the workspace of the demo in ``cloud/demo``: the sample, a search, and its model in 8 bits with evaluations.

    python -m benchmarks.cloud_demo

It takes some minutes. The search keeps its history, but not the models of its trials.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.inference.detector import load_detector
from autodet.inference.evaluations import evaluate_model
from autodet.inference.int8_export import export_int8
from autodet.models.store import read_model
from autodet.search.start import fit
from autodet.search.status.status_file import LOG
from autodet.workspace import Workspace

DEMO = Path(__file__).parents[1] / "cloud" / "demo"
TRIALS, EPOCHS = 4, 6
NAME = "fruit on a table"
LEFT_OUT = ("trials", "lock", "launched", "reserve", LOG)  # of the search's folder


def main() -> None:
    """Write the workspace, in place of an earlier one."""
    with TemporaryDirectory() as folder, acting_as(Visitor("", "editor")):  # no names of this machine
        made = Workspace(Path(folder))
        dataset = import_dataset("sample", NAME, workspace=made)
        model = fit(dataset, trials=TRIALS, epochs=EPOCHS, name=NAME, workspace=made).stored
        export_int8(model, model.path, dataset, as_bundle=True)
        model = read_model(model.id, made)
        shutil.rmtree(model.path.parent / "evaluations", ignore_errors=True)
        for split in ("val", "test"):
            evaluate_model(model, dataset, split)
        print(load_detector(model), f"{model.size_bytes:,} bytes")
        shutil.rmtree(DEMO, ignore_errors=True)
        for part in (made.datasets / dataset.id, made.searches / model.id, made.models / model.id):
            target = DEMO / part.relative_to(made.home)
            shutil.copytree(part, target, ignore=lambda _, names: set(names).intersection(LEFT_OUT))


if __name__ == "__main__":
    main()
