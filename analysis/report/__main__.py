"""``python -m analysis.report`` is ``jetvae report``: the one place of the analysis that names the command line."""

import sys

from jetvae.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["report", *sys.argv[1:]]))
