"""Answers -> page: what is known of a run, and the questions that one self-contained HTML page answers."""
