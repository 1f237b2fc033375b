"""What is said of a latent string that cannot be read."""

from __future__ import annotations

SHOWN = 60
"""Characters of the string that a message shows on either side of the place."""


class LatentStringError(ValueError):
    """A latent string cannot be read; the message, one line, says why and points at the place.

    >>> print(LatentStringError("R4 y S1", 3, "expected 'x', '|' or the end"))
    latent string 'R4 y S1': expected 'x', '|' or the end (at column 4: R4 >>>y S1)

    Parameters
    ----------
    text
        The whole string.
    position
        Index into ``text`` of what cannot be read.
    problem
        What was expected there, or what is known.
    """

    def __init__(self, text: str, position: int, problem: str) -> None:
        super().__init__(text, position, problem)
        self.text, self.position, self.problem = text, position, problem

    def __str__(self) -> str:
        before, behind = self.text[: self.position], self.text[self.position :]
        before = before if len(before) <= SHOWN else "..." + before[-SHOWN:]
        behind = shortened(behind)
        place = f"at column {self.position + 1}: {before}>>>{behind}"
        return legible(f"latent string {shortened(self.text)!r}: {shortened(self.problem, 500)} ({place})")


def legible(text: str) -> str:
    r"""Return a text on one line, what cannot be printed as Python writes it.

    >>> print(legible("R1\x1b[2J\n  y"))
    R1\x1b[2J y
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))


def shortened(text: str, most: int = SHOWN) -> str:
    """Return a text, of which no more is shown than helps.

    >>> shortened("R1 x R2", 4)
    'R1 x...'
    """
    return text if len(text) <= most else f"{text[:most]}..."
