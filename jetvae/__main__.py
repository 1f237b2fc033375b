# PYTHON_ARGCOMPLETE_OK
"""The command ``jetvae``: an index of commands, each a file of :mod:`jetvae.commands`."""

from __future__ import annotations

import argparse
import atexit
import gc
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from jetvae.commands import COMMANDS, GROUPS
from jetvae.packages import ours_first

USAGE = "jetvae COMMAND [options]"
INTERRUPTED = 130
"""What a shell gets after Ctrl-C."""
STOPPED = "interrupted; whatever was written is whole; give the same command again"
"""What is said then, where a command says nothing better."""
NOBODY_READS = 141
"""What it gets when whatever reads the output, as ``head``, has closed it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 2 after an error of the user's, 130 after an interruption."""
    if arguments is None and sys.getfilesystemencoding() == "ascii":
        in_utf8()
    ours_first()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a letter that the terminal does not have is no reason to stop
        sys.stdout.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if "_ARGCOMPLETE" in os.environ:
            complete()
        if words and words[0] in COMMANDS:
            code = exit_code(lambda: run_command(words[0], words[1:]))
            if code == INTERRUPTED and arguments is None:  # nothing is left to be interrupted on the way out
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            return code
        index().parse_args(words)
        print(index().format_help(), end="")
    except SystemExit as stop:  # argparse, after --help or an error
        return stop.code if isinstance(stop.code, int) else 2
    return 0


def in_utf8() -> None:
    """Begin anew with UTF-8 for file names and texts: the locale has ASCII alone, as C."""
    words = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
    os.execve(sys.executable, words, os.environ | {"PYTHONUTF8": "1"})


def index() -> argparse.ArgumentParser:
    """Return what answers ``jetvae --help``, ``--version`` and unknown commands."""
    width = max(map(len, COMMANDS))
    groups = "\n".join(
        f"\n{title}:\n" + "\n".join(f"  {name:<{width}}  {about}" for name, about in commands.items())
        for title, commands in GROUPS.items()
    )
    result = argparse.ArgumentParser(
        prog="jetvae",
        usage=USAGE,
        description=f"What is a sample of jets made of? Variational autoencoders answer.\n{groups}",
        epilog="jetvae COMMAND --help says more. To begin: jetvae train; jetvae report RUN",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    result.add_argument("command", nargs="?", choices=list(COMMANDS), metavar="COMMAND", help=argparse.SUPPRESS)
    return result


class Version(argparse.Action):
    """Print the version of the installed package; looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit."""
        from jetvae import __version__

        print(f"jetvae {__version__}")
        parser.exit()


def run_command(name: str, words: Sequence[str]) -> None:
    """Parse the words of one command, and run it."""
    module = command_module(name)
    options = parser_of(name, module).parse_args(getattr(module, "ordered", list)(words))
    with saying(vars(options).pop("verbosity")):
        if not getattr(options, "trust_code", False):
            run_module(module, options)
            return
        from priors.lookup import trusting

        with trusting():
            run_module(module, options)


def run_module(module: ModuleType, options: argparse.Namespace) -> None:
    """Run a command; where it is interrupted and does not say what is kept, its file does."""
    try:
        module.run(options)
    except KeyboardInterrupt as stop:
        if str(stop) or not hasattr(module, "KEPT"):
            raise
        raise KeyboardInterrupt(module.KEPT) from None


@contextmanager
def saying(level: int) -> Iterator[None]:
    """Print what is at least as important as a level of :mod:`logging`; with DEBUG also where an error came from."""
    from jets.notes import LOG

    before = LOG.level
    LOG.setLevel(level)
    try:
        yield
    except Exception:
        LOG.debug("", exc_info=True)
        raise
    finally:
        LOG.setLevel(before)


def command_module(name: str) -> ModuleType:
    """Return the file of a command."""
    return import_module(f"jetvae.commands.{name}")


def parser_of(name: str, module: ModuleType) -> argparse.ArgumentParser:
    """Return the parser of a command: what it does is the first line of its file."""
    about, _, rest = (module.__doc__ or "").partition("\n\n")
    epilog = rest or None
    result = argparse.ArgumentParser(prog=f"jetvae {name}", description=about, epilog=epilog, allow_abbrev=False)
    module.add(result)
    printed = result.add_argument_group("what is printed").add_mutually_exclusive_group()
    level: dict[str, Any] = {"action": "store_const", "dest": "verbosity", "default": logging.INFO}
    printed.add_argument("-q", "--quiet", const=logging.ERROR, help="neither notes nor progress", **level)
    more = "also details, and where an error came from"
    printed.add_argument("-v", "--verbose", const=logging.DEBUG, help=more, **level)
    return result


def complete() -> None:
    """Answer the shell that asks for completions (``eval "$(register-python-argcomplete jetvae)"``)."""
    import argcomplete

    whole = argparse.ArgumentParser(prog="jetvae")
    subparsers = whole.add_subparsers()
    for name, about in COMMANDS.items():
        command_module(name).add(subparsers.add_parser(name, help=about))
    argcomplete.autocomplete(whole)


def exit_code(command: Callable[[], None]) -> int:
    """Run a command; an error of the user's is one line on standard error.

    What is alive at the end is not searched for garbage on the way out: that would take torch's modules a second.
    """
    atexit.register(gc.freeze)
    try:
        with termination_interrupts():
            command()
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        print(f"\n{str(stop) or STOPPED}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        silence()
        return NOBODY_READS
    except Exception as error:
        silence()
        said = for_the_user(error)
        if said is None:
            raise
        print(f"error: {said}", file=sys.stderr)
        return 2
    return 0


def silence() -> None:
    """Write to nowhere from now on if what was printed cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Take SIGTERM, which batch systems send, as Ctrl-C within the block; elsewhere than in the main thread nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from jets.signals import interruptions_arrive

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with interruptions_arrive():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def for_the_user(error: Exception) -> str | None:
    """Return the line that an error has for the user; None of a fault of ours."""
    from jets.disk import explained
    from jets.errors import UserError, one_line
    from priors import LatentStringError

    if isinstance(error, UserError | LatentStringError):
        return one_line(error)
    if isinstance(error, UnicodeEncodeError):
        text = ascii(error.object[max(0, error.start - 40) : error.end + 40])
        return f"{text}: a name that is not UTF-8, or has letters that the locale lacks; rename it, or LC_ALL=C.UTF-8"
    name = getattr(error, "filename", None)
    if found := explained(error, name or "standard output"):
        return str(found)
    if not isinstance(error, OSError):
        return None
    return f"{name}: {error.strerror}" if name and error.strerror else one_line(error)


if __name__ == "__main__":
    sys.exit(main())
