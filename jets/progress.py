"""Progress of everything that takes long: a bar on a terminal, one line in a notebook, a line now and then elsewhere.

It shows how much is done, the rate, and the time that is left. Both are counted from the first report on, so that
what comes once, such as a compilation, does not enter. Lines fit into 80 columns. The level of the logger ``jetvae``
decides whether anything is shown (:mod:`jets.notes`); where a program has set up logging itself, its handlers get the
lines.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from jets.notes import LOG

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

LIVE = 0.2
"""Seconds between two states of a bar."""
PLAIN, SLOWER = 5.0, 0.02
"""Seconds between two lines elsewhere: at least these, and this part of the time so far."""
LEAST, MOST = 4, 40
"""Letters of a bar on a terminal."""
WIDTH = 24
"""Letters of a bar in a notebook."""


class Screen(Protocol):
    """Where a progress is shown."""

    every: float

    def show(self, line: str, part: float | None) -> None:
        """Show a line, and the part that is done, if known."""

    def close(self) -> None:
        """Leave what was shown last."""


class Progress:
    """Show how much is done.

    Parameters
    ----------
    total
        How much there is; None where that is not known.
    what
        What is done, as "survey".
    unit
        Of ``total``, of the rate, or of both.
    each
        Units of the rate in one of ``total``: jets in an epoch.
    done
        How much was done before.
    always
        Show the first report and the end, however little time it takes.

    Examples
    --------
    >>> with Progress(200, "reading") as progress:
    ...     progress.update(200)
    """

    def __init__(
        self,
        total: float | None,
        what: str = "",
        unit: str = "jets",
        *,
        each: float = 1,
        done: float = 0,
        always: bool = False,
    ) -> None:
        self.total, self.what, self.unit, self.each, self.always = total, what, unit, each, always
        self.done = self.begun = done
        self.start = self.last = self.clock_of_begun = time.perf_counter()
        self.reports, self.shown = 0, ""
        self.screen: Screen | None = None

    def update(self, done: float, said: str = "") -> None:
        """Say that so much is done in all, and what else there is to say."""
        now, self.done = time.perf_counter(), done
        line = self.line(now, said)
        self.reports += 1
        if self.reports == 1 and done != self.total:  # what comes once is behind
            self.begun, self.clock_of_begun = done, now
        if LOG.isEnabledFor(logging.INFO) and line != self.shown and self.due(now):
            self.last, self.shown = now, line
            self.screen = self.screen or screen()
            self.screen.show(line, done / self.total if self.total else None)

    def advance(self, count: float = 1, said: str = "") -> None:
        """Say that so much more is done."""
        self.update(self.done + count, said)

    def due(self, now: float) -> bool:
        """Whether it is time to show something."""
        if self.done == self.total:
            return self.always or self.screen is not None or now - self.start > PLAIN
        if self.always and self.reports == 1:
            return True
        every = self.screen.every if self.screen else LIVE if live() else PLAIN
        return now - self.last >= max(every, 0 if every < PLAIN else SLOWER * (now - self.start))

    def line(self, now: float, said: str) -> str:
        """Return what is shown: ``epoch 3/30  57,463 jets/s  0:12 left  loss 288.1``."""
        of = "" if self.total is None else f"/{number(self.total)}"
        parts = [f"{self.what} {number(self.done)}{of}".strip() + (f" {self.unit}" if self.each == 1 else "")]
        if (elapsed := now - self.clock_of_begun) > 0 and self.done > self.begun:
            rate = (self.done - self.begun) / elapsed
            parts += [f"{number(rate * self.each)} {self.unit}/s"] if rate * self.each >= 1 else []
            parts += [f"{clock((self.total - self.done) / rate)} left"] if self.total else []
        return "  ".join([*parts, said] if said else parts)

    def close(self) -> None:
        """Leave what was shown last; the terminal is as before."""
        if self.screen:
            self.screen.close()
            self.screen = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Bar:
    """A row of bars at the foot of a terminal; progress within progress has a bar of its own below."""

    every = LIVE
    shared: ClassVar[Bars | None] = None
    """The bars that are shown at this time."""

    def __init__(self) -> None:
        if Bar.shared is None:
            Bar.shared = bars()
            Bar.shared.start()
            self.first = True
        else:
            self.first = False
        self.bars = Bar.shared
        self.task: TaskID = self.bars.add_task("", total=1, text="")

    def show(self, line: str, part: float | None) -> None:
        """Draw the bar anew, with the line beside it."""
        width = self.bars.console.width - LEAST - 1
        text = line if len(line) <= width else f"{line[: width - 1]}…"
        self.bars.update(self.task, completed=part or 0, total=None if part is None else 1, text=text)
        longest = max(len(task.fields["text"]) for task in self.bars.tasks)
        bar: Any = self.bars.columns[0]
        bar.bar_width = min(LEAST + width - longest, MOST)
        self.bars.refresh()

    def close(self) -> None:
        """Keep the bar if it was the first one, else remove it."""
        if self.first:
            self.bars.stop()
            Bar.shared = None
        else:
            self.bars.remove_task(self.task)


def bars() -> Bars:
    """Return bars of rich, each with a line beside it."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    text = TextColumn("{task.fields[text]}", markup=False)
    return Bars(BarColumn(LEAST), text, console=Console(stderr=True), auto_refresh=False)


class Cell:
    """One line of the output of a notebook's cell."""

    every = LIVE

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, line: str, part: float | None) -> None:
        """Put the line in place of the one before."""
        from IPython.display import display

        full = "" if part is None else "━" * round(WIDTH * part) + "─" * (WIDTH - round(WIDTH * part)) + " "
        shown = {"text/plain": full + line}
        if self.handle is None:
            self.handle = display(shown, raw=True, display_id=True)
        else:
            self.handle.update(shown, raw=True)

    def close(self) -> None:
        """Leave the line."""


class Lines:
    """Lines of the log."""

    every = PLAIN

    def show(self, line: str, part: float | None) -> None:
        """Write the line."""
        LOG.info("%s", line)

    def close(self) -> None:
        """Nothing is left to be done."""


def screen() -> Screen:
    """Return where progress is to be shown now."""
    if not live():
        return Lines()
    return Cell() if in_notebook() else Bar()


def live() -> bool:
    """Whether what was shown can be replaced, and nobody else takes the lines."""
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return not logging.getLogger().handlers and (terminal or in_notebook())


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    return hasattr(shell, "kernel")


def clock(seconds: float) -> str:
    """Write a duration.

    >>> clock(75.2), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def number(value: float) -> str:
    """Write how much.

    >>> number(12000), number(0.256)
    ('12,000', '0.26')
    """
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
