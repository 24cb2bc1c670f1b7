"""Runs a file in a Python that lacks torch and other packages of training: ``python without_torch.py FILE``."""

import runpy
import sys
from importlib.abc import MetaPathFinder

MISSING = {"torch", "torchvision", "optuna", "pycocotools", "onnx", "sqlalchemy", "streamlit", "plotly", "boto3"}


class Missing(MetaPathFinder):
    """Finds none of the missing packages, nor lets others find them."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, Missing())
    runpy.run_path(sys.argv[1], run_name="__main__")
