"""``python -m autodet``: the command line."""

import sys

from autodet.cli import main

if __name__ == "__main__":
    sys.exit(main())
