"""Files of others: read first by a process of its own, and no larger than they can be."""
