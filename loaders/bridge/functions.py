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
import select
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import packetpig.udfs
from packetpig.loaders.bridge.values import INT, Shape, decode, encode

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


def shape(schema: str) -> Shape:
    """The type in a schema of Pig's, `name:type` or `(name:type, …)`."""
    text = "".join(schema.split())
    opening = min((at for at in map(text.find, "({[") if at >= 0), default=len(text))
    colon = text.find(":", 0, opening)
    text = text[colon + 1 :].lower()
    bracket = text[len(text.rstrip(")}]")) :][-1:]
    if bracket == "]" or "(" not in text:
        return text if text in SIMPLE else ""
    inside = text[text.index("(") + 1 : text.rindex(")")]
    fields, depth, begin = [], 0, 0
    for at, one in enumerate(inside):
        depth += (one in "({[") - (one in ")}]")
        if one == "," and not depth:
            fields.append(inside[begin:at])
            begin = at + 1
    fields.append(inside[begin:])
    return tuple(shape(one) if ":" in one else "" for one in fields)


class Requests:
    """Frames from a pipe whose writer waits for each answer, so that at most one frame is there at a time.

    To wake a process that sleeps on another core takes longer than a call. So a reader looks some times, giving way
    in between, before it sleeps; and not at all for a while where that was in vain.
    """

    LOOKS, AGAIN = 40, 64

    def __init__(self, file: int) -> None:
        os.set_blocking(file, False)
        self._file = file
        self._readable = select.poll()
        self._readable.register(file, select.POLLIN)
        self._sleeps = 0

    def _read(self, most: int) -> bytes:
        """What is there, waited for; empty at the end."""
        for _ in range(1 if self._sleeps else self.LOOKS):
            try:
                data = os.read(self._file, most)
            except BlockingIOError:
                os.sched_yield()
            else:
                return data
        self._sleeps = self._sleeps - 1 if self._sleeps else self.AGAIN
        self._readable.poll()
        return os.read(self._file, most)

    def next(self) -> bytes:
        """The next frame; empty at the end, even one amid a frame."""
        data = self._read(1 << 16)
        while data and len(data) < INT.size:
            more = self._read(INT.size - len(data))
            data = data + more if more else b""
        if not data or len(data) == INT.size + (length := INT.unpack_from(data)[0]):
            return data[INT.size :]
        parts, got = [data[INT.size :]], len(data) - INT.size
        while got < length:
            parts.append(self._read(min(length - got, 1 << 24)))
            if not parts[-1]:
                return b""
            got += len(parts[-1])
        return b"".join(parts)


class Calls:
    """Answers requests and calls until standard input ends."""

    def __init__(self) -> None:
        self._functions: list[Callable[..., Any]] = []
        self._kinds: list[Shape] = []

    def request(self, frame: bytes) -> dict[str, Any]:
        """Load more functions, numbered on from those before; or list a file's."""
        request = json.loads(frame)
        try:
            if "list" in request:
                return {"functions": schemas(Path(request["list"]))}
            found = []
            for module_name, name in request["functions"]:
                module = _module(module_name)
                schema = _schema(module, name)
                found.append((getattr(module, name), schema))
        except Exception as error:  # a module may raise anything when it is loaded
            return {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        for function, schema in found:
            self._functions.append(function)
            self._kinds.append(shape(schema))
        return {
            "schemas": [schema for _, schema in found],
            "pure": [bool(getattr(function, "pure", False)) for function, _ in found],
        }

    def answer(self, frame: bytes) -> bytearray:
        """The answer to one call."""
        out = bytearray(4) + b"1"
        try:
            (number, arguments), _ = decode(frame)
            encode(self._functions[number](*arguments), out, self._kinds[number])
        except Exception as error:  # whatever a function raises is the caller's to see, and fails its task
            del out[4:]
            line = " ".join(f"{type(error).__name__}: {error}".split())
            out += b"0" + line[:1000].encode("utf-8", "replace")
        struct.pack_into(">i", out, 0, len(out) - 4)
        return out

    def serve(self, output: int) -> None:
        """Read calls from standard input, write answers to the file descriptor OUTPUT."""
        source = Requests(0)
        while frame := source.next():
            if frame[:1] == b"{":
                text = json.dumps(self.request(frame)).encode()
                answer = memoryview(struct.pack(">i", len(text)) + text)
            else:
                answer = memoryview(self.answer(frame))
            while answer:
                answer = answer[os.write(output, answer) :]


def main() -> int:
    """Entry point."""
    output = os.dup(1)
    os.dup2(2, 1)  # what a function prints goes to the log, not between the answers
    try:
        Calls().serve(output)
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
