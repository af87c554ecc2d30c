"""Short names for Pig: a Java class of a few lines for each loader and function, and what Pig needs to know of them.

    python -m packetpig.loaders.bridge.names FOLDER

writes FOLDER/java/packetpig/…, FOLDER/packetpig/loaders.json and functions.json. `make setup` compiles them.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from packetpig.loaders.bridge.describe import description
from packetpig.loaders.bridge.functions import catalogue
from packetpig.loaders.contract.discovery import names

LOADER = """package packetpig;

/** {answers} */
public final class {pig} extends packetpig.bridge.CaptureLoader {{
    public {pig}() {{
        super("{name}");
    }}

    public {pig}(String... options) {{
        super("{name}", options);
    }}
}}
"""

FUNCTION = """package packetpig.udfs.{module};

/** Python's packetpig.udfs.{module}.{name}. */
public final class {name} extends packetpig.bridge.PythonFunction {{
    public {name}() {{
        super("packetpig.udfs.{module}", "{name}");
    }}
}}
"""


JAVA = frozenset(
    [
        "abstract",
        "assert",
        "boolean",
        "break",
        "byte",
        "case",
        "catch",
        "char",
        "class",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extends",
        "false",
        "final",
        "finally",
        "float",
        "for",
        "goto",
        "if",
        "implements",
        "import",
        "instanceof",
        "int",
        "interface",
        "long",
        "native",
        "new",
        "null",
        "package",
        "private",
        "protected",
        "public",
        "return",
        "short",
        "static",
        "strictfp",
        "super",
        "switch",
        "synchronized",
        "this",
        "throw",
        "throws",
        "transient",
        "true",
        "try",
        "void",
        "volatile",
        "while",
        "_",
    ]
)
"""Words that cannot name a class."""


def write(folder: Path) -> None:
    """Write the sources and the two tables."""
    shutil.rmtree(folder, ignore_errors=True)
    loaders = {name: description(name) for name in names()}
    functions = catalogue()
    for name, one in loaders.items():
        _write(
            folder / "java/packetpig" / f"{one['pig']}.java",
            LOADER.format(name=name, pig=one["pig"], answers=one["answers"]),
        )
    for module, found in functions.items():
        short = module.rsplit(".", 1)[1]
        for name in found:
            if name in JAVA or short in JAVA:
                raise SystemExit(f"{module}.{name}: a word of Java; the function needs another name")
            _write(folder / f"java/packetpig/udfs/{short}/{name}.java", FUNCTION.format(module=short, name=name))
    _write(folder / "packetpig/loaders.json", json.dumps(loaders, indent=1) + "\n")
    _write(folder / "packetpig/functions.json", json.dumps(functions, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
