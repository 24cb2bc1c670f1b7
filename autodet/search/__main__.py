"""``python -m autodet.search FOLDER``: carry on the search in a folder."""

import sys

from autodet.search.supervisor import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
