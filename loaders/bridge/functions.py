"""The process that runs Python functions for Pig, and the list of those in `udfs/` (docs/bridge.md).

Functions are told by their decorator, `@outputSchema("name:type")` of pig_util, read from the source: the module is
imported only where a function is called.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import os
import pkgutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import packetpig.udfs
from packetpig.loaders.bridge.frames import BridgeError, read_frame, write_frame
from packetpig.loaders.bridge.values import decode, encode

SIMPLE = ("int", "long", "float", "double", "chararray", "bytearray", "boolean")


def schemas(source: Path) -> dict[str, str]:
    """Functions of a module that have an output schema, and that schema as Pig reads it."""
    found = {}
    for node in ast.parse(source.read_text(encoding="utf-8"), str(source)).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "outputSchema":
                argument = decorator.args[0]
                if isinstance(argument, ast.Constant):
                    found[node.name] = str(argument.value)
    return found


def catalogue() -> dict[str, dict[str, str]]:
    """All functions that come with Packetpig: module, name, schema."""
    folder = Path(packetpig.udfs.__path__[0])
    modules = (one.name for one in pkgutil.iter_modules([str(folder)]) if not one.name.startswith("_"))
    return {f"packetpig.udfs.{name}": schemas(folder / f"{name}.py") for name in sorted(modules)}


def _module(name: str) -> ModuleType:
    """A module by its name, or by its path if it ends in .py."""
    if not name.endswith(".py"):
        return importlib.import_module(name)
    specification = importlib.util.spec_from_file_location(Path(name).stem, name)
    if specification is None or specification.loader is None:
        raise ImportError(f"{name} is no Python module")
    module = importlib.util.module_from_spec(specification)
    sys.path.insert(0, str(Path(name).resolve().parent))
    specification.loader.exec_module(module)
    return module


def _schema(module: ModuleType, name: str) -> str:
    found = schemas(Path(str(module.__file__)))
    if name not in found:
        raise LookupError(f"{module.__name__} has no function {name} with an @outputSchema; it has {', '.join(found)}")
    return found[name]


def _kind(schema: str) -> str:
    """The type in `name:type`, where it is a simple one."""
    kind = schema.rpartition(":")[2].strip()
    return kind if kind in SIMPLE else ""


class Calls:
    """Answers calls until standard input ends."""

    def __init__(self, functions: list[Callable[..., Any]], names: list[str], kinds: list[str]) -> None:
        self._functions, self._names, self._kinds = functions, names, kinds

    def answer(self, frame: bytes) -> bytearray:
        """The answer to one call."""
        out = bytearray(4) + b"1"
        name = "?"
        try:
            (number, arguments), _ = decode(frame)
            name = self._names[number]
            encode(self._functions[number](*arguments), out, self._kinds[number])
        except Exception as error:  # whatever a function raises is the caller's to see, and fails its task
            del out[4:]
            line = " ".join(f"{name}: {type(error).__name__}: {error}".split())
            out += b"0" + line[:1000].encode("utf-8", "replace")
        struct.pack_into(">i", out, 0, len(out) - 4)
        return out

    def serve(self, output: int) -> None:
        """Read calls from standard input, write answers to the file descriptor OUTPUT."""
        source = open(0, "rb", buffering=1 << 16, closefd=False)  # noqa: SIM115
        while len(head := source.read(4)) == 4:
            length = struct.unpack(">i", head)[0]
            frame = source.read(length)
            if len(frame) < length:
                return
            answer = memoryview(self.answer(frame))
            while answer:
                answer = answer[os.write(output, answer) :]


def main() -> int:
    """Entry point."""
    try:
        request = json.loads(read_frame(0))
    except BridgeError:
        return 0
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a function prints goes to the log, not between the answers
    try:
        if "list" in request:
            write_frame(output, json.dumps({"functions": schemas(Path(request["list"]))}).encode())
            return 0
        modules = [_module(module) for module, _ in request["functions"]]
        names = [name for _, name in request["functions"]]
        found = [_schema(module, name) for module, name in zip(modules, names, strict=True)]
        functions = [getattr(module, name) for module, name in zip(modules, names, strict=True)]
    except (ImportError, LookupError, AttributeError, SyntaxError, OSError) as error:
        write_frame(output, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return 1
    write_frame(output, json.dumps({"schemas": found}).encode())
    try:
        Calls(functions, names, [_kind(schema) for schema in found]).serve(output.fileno())
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
