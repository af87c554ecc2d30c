"""print the loaders, or the columns and options of one"""

from __future__ import annotations

import argparse

from packetpig.loaders.contract.columns import Column
from packetpig.loaders.contract.discovery import find, names
from packetpig.loaders.contract.loader import COMMON_OPTIONS


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("loader", nargs="?", help="a loader's name; without it, all of them are listed")


def run(options: argparse.Namespace) -> int:
    """Print the description."""
    if not options.loader:
        for name in names():
            loader = find(name)
            print(f"{name:12} {loader.pig:20} {loader.answers}")
        return 0
    loader = find(options.loader)
    print(f"{loader.pig}: {loader.answers}\n\ncolumns:")
    for column in loader.schema():
        _print(column, "  ")
    print("\noptions:")
    for option in (*loader.options, *COMMON_OPTIONS):
        choices = f" ({' or '.join(choice for choice in option.choices if choice)})" if option.choices else ""
        default = f" [{option.default}]" if option.default else ""
        print(f"  {option.name + '=':18} {option.meaning}{choices}{default}")
    return 0


def _print(column: Column, margin: str) -> None:
    unit = f" [{column.unit}]" if column.unit else ""
    print(f"{margin}{column.name:18} {column.type:10} {column.meaning}{unit}")
    for field in column.fields:
        _print(field, margin + "  ")
