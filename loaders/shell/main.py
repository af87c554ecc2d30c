"""`packetpig`: loaders from the shell. Exit codes: 0 done, 1 something could not be read or written, 2 wrong usage."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence

import packetpig.loaders.shell
from packetpig.loaders.contract.lean import without_pandas
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.contract.where import WhereError
from packetpig.loaders.kernels.native import NotBuiltError


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line: one subcommand for each module that has `configure`; or for ONLY this one, to start sooner."""
    whole = argparse.ArgumentParser(
        prog="packetpig",
        description="Rows from packet captures: packets, and what they are about.",
        epilog="For Pig Latin, see pig/ and bin/pig.",
    )
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    names = [module.name for module in pkgutil.iter_modules(packetpig.loaders.shell.__path__)]
    for name in [only] if only in names else names:
        command = importlib.import_module(f"packetpig.loaders.shell.{name}")
        if hasattr(command, "configure"):
            summary = (command.__doc__ or "").strip().splitlines()[0]
            one = commands.add_parser(name, help=summary, description=summary)
            command.configure(one)
            one.set_defaults(run=command.run)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(*arguments[:1]).parse_args(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:
        # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (OptionError, WhereError) as error:
        print(f"packetpig: {error}", file=sys.stderr)
        return 2
    except (CaptureError, NotBuiltError) as error:
        print(f"packetpig: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"packetpig: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what could not be written is not tried again at the end
        return 1


def leave(code: int) -> None:
    """End the process at once: to take down all that was imported takes longer than some answers."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    if sys.argv[1:2] != ["carve"]:  # which does so itself, where it needs Arrow at all
        without_pandas()
    leave(main())
