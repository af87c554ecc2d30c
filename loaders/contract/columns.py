"""Columns: declared once beside a loader; Pig's schema, Arrow's types and the documentation all come from here."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

ARROW = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "chararray": pa.string(),
    "bytearray": pa.binary(),
}
REPEATED = pa.dictionary(pa.int32(), pa.string())  # text with few distinct values in a batch


@dataclass(frozen=True)
class Column:
    """One column: NAME, Pig TYPE, what it MEANS, its UNIT if it has one.

    `repeated` text travels as a dictionary. A type of `bag` or `tuple` has `fields`.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    repeated: bool = False
    fields: tuple[Column, ...] = ()

    @property
    def arrow(self) -> pa.DataType:
        """Arrow's type."""
        if self.type in ("bag", "tuple"):
            struct = pa.struct([pa.field(field.name, field.arrow) for field in self.fields])
            return pa.list_(struct) if self.type == "bag" else struct
        return REPEATED if self.repeated else ARROW[self.type]

    @property
    def plain(self) -> pa.DataType:
        """Arrow's type before repeated text is made a dictionary."""
        return ARROW["chararray"] if self.repeated else self.arrow

    @property
    def pig(self) -> str:
        """As Pig reads it: `name:type`."""
        if self.type in ("bag", "tuple"):
            inside = ", ".join(field.pig for field in self.fields)
            return f"{self.name}:bag{{({inside})}}" if self.type == "bag" else f"{self.name}:tuple({inside})"
        return f"{self.name}:{self.type}"


def boolean(name: str, meaning: str) -> Column:
    """A column that is true or false."""
    return Column(name, "boolean", meaning)


def integer(name: str, meaning: str, unit: str = "") -> Column:
    """A column of 32-bit numbers."""
    return Column(name, "int", meaning, unit)


def long(name: str, meaning: str, unit: str = "") -> Column:
    """A column of 64-bit numbers."""
    return Column(name, "long", meaning, unit)


def double(name: str, meaning: str, unit: str = "") -> Column:
    """A column of floating-point numbers."""
    return Column(name, "double", meaning, unit)


def text(name: str, meaning: str, repeated: bool = False) -> Column:
    """A column of text; REPEATED if a batch has few distinct values of it."""
    return Column(name, "chararray", meaning, repeated=repeated)


def octets(name: str, meaning: str) -> Column:
    """A column of bytes."""
    return Column(name, "bytearray", meaning)


def bag(name: str, meaning: str, *fields: Column) -> Column:
    """A column of bags, whose tuples have FIELDS."""
    return Column(name, "bag", meaning, fields=fields)


COMMON = (
    text("sensor", "where the capture was made: its folder's name with sensors=folders, else `default`", repeated=True),
    text("capture", "the capture, as its path below the input", repeated=True),
    double("ts", "time, UTC", "seconds since the epoch"),
)
"""Every loader's columns begin with these."""
