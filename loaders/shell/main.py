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
from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.contract.report import CaptureError
from packetpig.loaders.contract.where import WhereError
from packetpig.loaders.kernels.native import NotBuiltError


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand for each module that has `configure`."""
    whole = argparse.ArgumentParser(
        prog="packetpig",
        description="Rows from packet captures: packets, and what they are about.",
        epilog="For Pig Latin, see pig/ and bin/pig.",
    )
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in pkgutil.iter_modules(packetpig.loaders.shell.__path__):
        command = importlib.import_module(f"packetpig.loaders.shell.{module.name}")
        if hasattr(command, "configure"):
            summary = (command.__doc__ or "").strip().splitlines()[0]
            one = commands.add_parser(module.name, help=summary, description=summary)
            command.configure(one)
            one.set_defaults(run=command.run)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: the exit code."""
    options = parser().parse_args(arguments)
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


if __name__ == "__main__":
    sys.exit(main())
