"""The process that runs an import whose photos are added to a data set.

    python -m autodet.datasets.additions.worker FOLDER stage|store

If the addition needs decisions, the photos become a data set of their own: the form that merges data sets asks.
"""

import secrets
import sys
from pathlib import Path

from autodet.access.change import change
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.additions.addition import plan_addition, store_addition
from autodet.datasets.imports.import_dataset import ORDER, store
from autodet.datasets.imports.import_state import ImportStatus, read_request
from autodet.datasets.imports.review import Review
from autodet.datasets.imports.worker import Reporter, main
from autodet.datasets.manifest import load_dataset, publish_dataset
from autodet.datasets.versions.merge import refusal_text
from autodet.records import ImportStep
from autodet.workspace import Workspace, hidden_folder


def add_reviewed(folder: Path, found: Review, report: Reporter) -> ImportStatus:
    """Add the photos of a review to the data set that the import in a folder names, as a new version."""
    order = secrets.token_hex(16)
    (folder / ORDER).write_text(order, encoding="utf-8")
    request, workspace = read_request(folder), Workspace(folder.parent.parent)
    with acting_as(Visitor(request.owner, "editor")), change("create data set", request.into, workspace) as made:
        target = load_dataset(request.into, workspace)
        with hidden_folder(workspace.datasets) as scratch:
            new = store(found, request.name, Workspace(scratch), report)
            merge = plan_addition(target, new, request.name)
            dataset = publish_dataset(new, workspace) if merge.refusals else store_addition(merge, None, workspace)
        (dataset.folder / ORDER).write_text(order, encoding="utf-8")
        made.thing = dataset.id
    error = refusal_text(merge.refusals, "page") if merge.refusals else ""
    return ImportStatus("finished", 1.0, ImportStep("end"), dataset=dataset.id, error=error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], add_reviewed))
