"""A program, called with a scan and the name of a run: train that run as long as the caller lives.

The caller holds the other end of standard input. When that closes, whatever ends the caller, training stops after the
epoch, to be resumed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import nullcontext

from priors.lookup import trusting

TRUST = "--trust-code"
"""The option with which a user's module is imported that the latent space names."""


def main(folder: str, name: str, *options: str) -> None:
    """Train the run ``name`` of the scan in ``folder``."""
    from inference.work import work

    threading.Thread(target=ends_with_caller, daemon=True).start()
    with trusting() if TRUST in options else nullcontext():
        work(folder, only=[name])


def ends_with_caller() -> None:
    """Ask this process to stop when its standard input closes."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
