"""Entry point of ``python -m autodet``."""

import sys

from autodet.cli import main

if __name__ == "__main__":
    sys.exit(main())
