"""``python -m tests.search.scripted_cli ...``: the command line as it is, but for whom its supervisors let train."""

import sys
from functools import partial

from autodet.cli import main
from autodet.search import api, start
from autodet.search.launch import launch

start.launch = api.launch = partial(launch, module="tests.search.scripted_supervisor")

if __name__ == "__main__":
    sys.exit(main())
