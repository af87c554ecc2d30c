"""What the build, and Pig, ask of a loader: its name, schema and options, as JSON (docs/bridge.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from packetpig.loaders.contract.discovery import find
from packetpig.loaders.contract.loader import COMMON_OPTIONS, OptionError


def description(name: str, options: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What Pig needs to know of the loader NAME."""
    loader = find(name)
    return {
        "pig": loader.pig,
        "answers": loader.answers,
        "schema": ", ".join(column.pig for column in loader.schema(options)),
        "options": [option.name for option in (*loader.options, *COMMON_OPTIONS)],
        "schema_options": [option.name for option in loader.options if option.schema],
        "split": loader.split,
    }


def main(arguments: list[str]) -> int:
    """`describe LOADER [name=value …]`: JSON, or a line on standard error and exit code 1."""
    try:
        options = dict(argument.split("=", 1) for argument in arguments[1:])
        print(json.dumps(description(arguments[0], options)))
    except (OptionError, IndexError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
