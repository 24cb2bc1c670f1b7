"""``python -m tests.search.scripted_supervisor FOLDER``: a supervisor that leaves its number, and has others train.

The environment names the trainer, and constants of the engine that a test wants to be other (smaller) ones.
"""

import importlib
import json
import os
import sys
from pathlib import Path

TRAINER, CONSTANTS, PIDS = "AUTODET_TEST_TRAINER", "AUTODET_TEST_CONSTANTS", "pids"

if __name__ == "__main__":
    from autodet.search.__main__ import main

    for name, value in json.loads(os.environ.get(CONSTANTS, "{}")).items():
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(f"autodet.search.{module}"), constant, value)
    with Path(sys.argv[1], PIDS).open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    sys.exit(main([sys.argv[1], os.environ.get(TRAINER, "tests.search.scripted:train")]))
