"""Upload of a model: its ONNX graph is run once, in a process of its own, before the workspace gets it.

``autodet.models.onnx_graph`` tells what a graph may contain, but not whether ONNX Runtime can run it, nor how much time
and memory that takes. So ``python -m autodet.inference.model_upload MODEL.autodet`` tries it within limits.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from autodet.access.change import change
from autodet.errors import BundleError
from autodet.inference.runtime import is_installed
from autodet.models.bundle import read_graph, refusal
from autodet.models.store import StoredModel, add_model
from autodet.processes import module_environment
from autodet.text_format import size_text
from autodet.workspace import Workspace, open_workspace

MAX_SECONDS = 120.0  # of CPU time of a graph's trial; the largest network took 10
PATIENCE = 3  # seconds per second of CPU time, on a busy machine
MAX_MEMORY_BYTES = 8_000_000_000  # of address space, of which ONNX Runtime may fill half


def upload_model(bundle: Path, name: str, workspace: Workspace | None = None) -> StoredModel:
    """Check a bundle, try its ONNX graph, and copy it into the workspace, as ``add_model`` does.

    Args:
        bundle: The ``.autodet`` file.
        name: New name; blank keeps the current one.
        workspace: Target workspace; the settings' workspace if not given.

    Raises:
        BundleError: ``add_model`` refuses the bundle, or its graph cannot be run; nothing is added.
        LaterVersionError: A later version of autodet wrote the bundle.
        AccessError: The visitor may not change anything.
    """
    workspace = workspace or open_workspace()
    with change("add model", name or bundle.stem, workspace) as added:
        _, graph = read_graph(bundle)
        if graph and is_installed("onnxruntime") and not _runs(bundle):
            limits = f"{MAX_SECONDS:g} seconds and {size_text(MAX_MEMORY_BYTES)} of memory"
            raise BundleError(refusal(bundle, f"ONNX Runtime cannot run its ONNX graph within {limits}"))
        model = add_model(bundle, name, workspace)
        added.thing = model.id
        return model


def _runs(bundle: Path) -> bool:
    """Run the graph of a bundle in a process with limits, and return whether that worked."""
    command = [sys.executable, "-m", "autodet.inference.model_upload", str(bundle.resolve())]
    try:
        # More threads would take address space, and compute no sooner within the limits.
        ran = subprocess.run(
            command,
            env=module_environment(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE * MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def run_graph(bundle: Path) -> None:
    """Detect objects on a square of noise with the graph of a bundle.

    Raises:
        BundleError: The graph cannot be loaded.
        ModelError: The graph fails.
    """
    import numpy as np

    from autodet.inference.onnx_runtime import OnnxRuntime
    from autodet.models.letterbox import Letterbox

    card, graph = read_graph(bundle)
    side = card.image_size
    square = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    OnnxRuntime(graph, card).detect([square], [Letterbox.fit(side, side, side)])


def _limit_resources() -> None:
    with suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        for kind, most in ((resource.RLIMIT_AS, MAX_MEMORY_BYTES), (resource.RLIMIT_CPU, int(MAX_SECONDS))):
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    _limit_resources()
    run_graph(Path(sys.argv[1]))
