"""Every reader and every file of a run folder, fed with damaged files.

``make fuzz`` tries them for a bounded time, a test run a short slice and the kept corpus. A case follows from the
seed, the kind and its number alone.
"""

from . import archives, edited, readers, run_files, work
from .kinds import Kind, Kinds

KINDS = Kinds()
"""All kinds of files that are tried."""
KINDS.add(*readers.KINDS, *edited.KINDS, *run_files.KINDS, *archives.KINDS, *work.KINDS)

__all__ = ["KINDS", "Kind", "Kinds"]
