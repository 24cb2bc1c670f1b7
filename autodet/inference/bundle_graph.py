"""The ONNX graph of a bundle, which lets a model predict where torch is not installed.

Writing it takes torch and some seconds, so a search does not write it at every better epoch: when it has ended, it
starts ``python -m autodet.inference.bundle_graph MODEL.autodet ...``.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from autodet.access.change import change
from autodet.errors import AutodetError
from autodet.inference.background_jobs import Job
from autodet.inference.job_process import Report, run_apart
from autodet.inference.onnx_export import make_graph
from autodet.models.bundle import read_graph
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import set_graph
from autodet.workspace import Workspace

log = logging.getLogger("autodet.bundle_graph")


def add_graph(path: Path, *, apart: bool = False) -> bool:
    """Add the ONNX graph to a bundle that lacks one; whatever goes wrong, the model stays as it is.

    Args:
        path: The bundle, which is replaced atomically.
        apart: Whether a process of its own does the work.

    Returns:
        Whether the bundle has a graph now.
    """
    try:
        return require_graph_apart(path) if apart else require_graph(path)
    except AutodetError as error:
        log.warning("%s has no ONNX graph. %s", path, error)
    except Exception:  # the model is worth more than its graph
        log.exception("%s has no ONNX graph.", path)
    return False


def require_graph(path: Path) -> bool:
    """Add the ONNX graph to a bundle that lacks one; return False if its network cannot have one.

    Args:
        path: The bundle, which is replaced atomically.

    Raises:
        AccessError: The visitor may not change anything.
        ModelError: torch or the package ``onnx`` is missing, or the network cannot be exported.
        BundleError: The bundle is damaged.
    """
    card, graph = read_graph(path)
    if graph or not ARCHITECTURES[card.architecture].onnx:
        return bool(graph)
    with change("add graph", path.parent.name, Workspace(path.parents[2])):
        set_graph(path, card.weights_sha256, make_graph(path, card))
    return True


def require_graph_apart(path: Path) -> bool:
    """Do what ``require_graph`` does in a process of its own, which loads torch, and return the same.

    Raises:
        AutodetError: As ``require_graph``.
    """
    return bool(read_graph(path)[1]) or bool(run_apart(Job(), _require_graph, path))


def _require_graph(path: Path, _report: Report) -> bool:
    return require_graph(path)


def main(paths: Sequence[str]) -> int:
    """Add the ONNX graph to each bundle; return exit code 0, or 1 if one has none now."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    results = [add_graph(Path(path)) for path in paths]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
