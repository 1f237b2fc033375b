"""Jets that stay on disk: surveyed once, then read some at a time, so that memory does not grow with their number."""
