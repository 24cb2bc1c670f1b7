"""Check that searches can use a Ray cluster, in a child process because joining one changes the whole process."""

import subprocess
import sys
from importlib.util import find_spec

from autodet.errors import SearchError
from autodet.processes import DATABASE, module_environment
from autodet.settings import load_settings

CHECK_SECONDS = 60.0
TOKEN_ASKED = ("RAY_AUTH_MODE", "token")  # default for the environment; Ray reads it on import


def check_cluster() -> None:
    """Check that the configured cluster can be used, before a search relies on it.

    Raises:
        SearchError: No cluster is named, Ray is not installed, or the cluster cannot be reached.
    """
    if not load_settings().ray_address:
        raise SearchError("No Ray cluster is named; set AUTODET_RAY_ADDRESS, for example to HEAD:6379.")
    if find_spec("ray") is None:
        raise SearchError("Ray is not installed; 'pip install -r requirements-ray.txt' installs it.")
    environment = dict([TOKEN_ASKED]) | module_environment(
        DATABASE, RAY_NUM_REDIS_GET_RETRIES="3"
    )  # if the token is refused
    command = [sys.executable, "-m", "autodet.search.executors.ray"]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, timeout=CHECK_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise SearchError(
            f"The Ray cluster of AUTODET_RAY_ADDRESS did not answer in {CHECK_SECONDS:g} seconds."
        ) from None
    if asked.returncode:
        sentences = asked.stdout.strip().splitlines()
        raise SearchError(sentences[-1] if sentences else "The Ray cluster of AUTODET_RAY_ADDRESS cannot be used.")
