"""Stochastic variational inference from the command line: ``python -m inference.svi`` is ``jetvae train``.

Same options, same exit codes. Nothing is imported before the door has looked at the path of modules.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from jetvae.__main__ import main

    sys.exit(main(["train", *sys.argv[1:]]))
