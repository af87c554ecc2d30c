"""DNS: messages to columns. A kernel reads the messages and the commonest records; the rest is dnspython's.

Sources: RFC 1035, 3597 (unknown types), 4343 (escapes), 6762 (mDNS), 6891 (OPT); IANA's registry of parameters.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import dns.exception
import numpy as np
import pyarrow as pa
from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType
from packetpig.loaders.contract.report import Report
from packetpig.loaders.flows.merging import Packets
from packetpig.loaders.flows.rows import dictionary
from packetpig.loaders.kernels import dnsslots as d
from packetpig.loaders.kernels import native

SECTIONS = ("question", "answer", "authority", "additional")
FLAGS = {0x400: "aa", 0x200: "tc", 0x100: "rd", 0x80: "ra", 0x20: "ad", 0x10: "cd"}  # as dig prints them
ROWS = 16384  # of records, at a time
ROOM = 4 << 20  # bytes of names, and of data, at a time
PROBLEMS = {
    d.SHORT: "dns messages cut before the end of their header",
    d.BAD_NAME: "dns messages with a malformed name",
    d.CUT_RECORD: "dns messages that end within a record",
    d.BAD_DATA: "dns records with malformed data, given as bytes",
    d.NOT_DNS: "messages on ports of DNS that are not DNS",
    d.LEFT_OVER: "dns messages with bytes left over",
}
CUT = "dns messages cut by the capture"
BY_CUTTING = [d.SHORT, d.BAD_NAME, d.CUT_RECORD, d.NOT_DNS]  # what may seem to be wrong with a message that was cut
FAILED = "dns records that dnspython failed on, given as bytes"
NAMELESS = "dns numbers that dnspython failed on, given as such"
WHOLE = d.MESSAGE  # in a message's row behind what the kernel knows: its length before the capture cut it
Counts = np.ndarray[Any, np.dtype[np.int64]]


class Reader:
    """Reads messages. COLUMNS: which to make; OPT: also the rows of OPT."""

    def __init__(self, columns: frozenset[str], opt: bool, report: Report) -> None:
        self._columns, self._report = columns, report
        self._options = d.OPT_ROWS * opt + d.NAMES * ("name" in columns) + d.DATA * ("data" in columns)
        self._rows = np.empty((ROWS, d.RECORD), np.int64)
        self._texts = {name: np.empty(ROOM, np.uint8) for name in ("name", "data")}
        self._ends = {name: np.empty(ROWS + 1, np.int32) for name in ("name", "data")}
        self.failed: Counter[str] = Counter()  # records of the messages that are being read

    def records(self, messages: Packets) -> Iterator[tuple[Packets, dict[str, pa.Array]]]:
        """Records of MESSAGES (rows of d.M_… and WHOLE): of each its message's row, and the columns.

        What was wrong is counted once all have been given.
        """
        problems = np.zeros(d.PROBLEMS, np.int64)
        self.failed.clear()
        for rows in self._parsed(messages, problems):
            yield (
                rows[:, d.R_MESSAGE].copy(),
                {name: build(self, rows, messages) for name, build in COLUMNS.items() if name in self._columns},
            )
        self._count(messages, problems)

    def _parsed(self, messages: Packets, problems: Counts) -> Iterator[Packets]:
        """Rows of records, each time in the same place; PROBLEMS are added to."""
        state = np.zeros(d.STATE, np.int64)
        base = int(messages[:, d.M_ADDRESS].min()) if len(messages) else 0
        reach = int((messages[:, d.M_ADDRESS] + messages[:, d.M_LENGTH]).max(initial=base)) - base
        given = np.ascontiguousarray(messages[:, : d.MESSAGE])
        more = len(messages) > 0
        while more:
            more = native.dns_records(
                base, base, given.ctypes.data, len(given), state.ctypes.data, problems.ctypes.data,
                self._options, reach, self._rows.ctypes.data, ROWS,
                self._texts["name"].ctypes.data, self._ends["name"].ctypes.data, ROOM,
                self._texts["data"].ctypes.data, self._ends["data"].ctypes.data, ROOM,
            )  # fmt: skip
            rows = self._rows[: int(state[d.ROWS])]
            if len(rows):
                yield rows

    def _count(self, messages: Packets, problems: Counts) -> None:
        """Say what was wrong. That a message ends too early is not its own fault if the capture cut it."""
        cut = messages[messages[:, WHOLE] > messages[:, d.M_LENGTH]]
        theirs = np.zeros(d.PROBLEMS, np.int64)
        for rows in self._parsed(cut, theirs):  # a name that is none, though its end is there, stays a problem
            theirs[d.BAD_NAME] -= np.count_nonzero((rows[:, d.R_NAMED] == 0) & (rows[:, d.R_SECTION] >= 0))
        problems[BY_CUTTING] -= theirs[BY_CUTTING]
        self._report.count(CUT, len(cut))
        for which in np.flatnonzero(problems).tolist():
            self._report.count(PROBLEMS[which], int(problems[which]))
        for name, amount in self.failed.items():
            self._report.count(name, amount)

    def text(self, name: str, valid: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
        """A column of texts that the kernel wrote."""
        count = len(valid)
        ends = self._ends[name][: count + 1].copy()
        mask = None if valid.all() else pa.array(valid).buffers()[1]
        return pa.Array.from_buffers(
            pa.string(), count, [mask, pa.py_buffer(ends), pa.py_buffer(self._texts[name][: ends[-1]].copy())]
        )


def _data(reader: Reader, rows: Packets, messages: Packets) -> pa.Array:
    """Data as text: the kernel's, and that of types which it does not know."""
    form = rows[:, d.R_FORM]
    column = reader.text("data", form == d.FORM_TEXT)
    others = form == d.FORM_OTHER
    if not others.any():
        return column
    texts = []
    for row in rows[others].tolist():
        address, length = messages[row[d.R_MESSAGE], : d.M_LENGTH + 1].tolist()
        message = ctypes.string_at(address, length)
        kind, group, ttl, at, size = (row[field] for field in (d.R_TYPE, d.R_CLASS, d.R_TTL, d.R_DATA, d.R_SIZE))
        texts.append(presentation(kind, group, ttl, message, at, size, reader.failed))
    import pyarrow.compute as pc

    return pc.replace_with_mask(column, pa.array(others), pa.array(texts, pa.string()))


def presentation(kind: int, group: int, ttl: int, message: bytes, at: int, size: int, failed: Counter[str]) -> str:
    """Data of a record as text; that of unknown types, and what is malformed, as RFC 3597 has it."""
    if kind not in KERNEL_TYPES:
        try:
            return _text(kind, group, ttl, message, at, size)
        except (dns.exception.DNSException, ValueError, IndexError, OverflowError, KeyError):
            failed[PROBLEMS[d.BAD_DATA]] += 1
        except Exception:  # whatever hostile bytes find in dnspython: other records must not go with this one
            failed[FAILED] += 1
    return f"\\# {size} {message[at : at + size].hex()}" if size else "\\# 0"


def _text(kind: int, group: int, ttl: int, message: bytes, at: int, size: int) -> str:
    import dns.name
    import dns.rdata

    value = dns.rdata.from_wire(RdataClass.make(group), RdataType.make(kind), message, at, size)
    if kind == RdataType.OPT:
        return _opt(group, ttl, value)
    text = value.to_text(dns.name.root, kind in NAMED)
    if kind in NAMED:
        fields = text.split(" ")
        fields[NAMED[kind]] = re.sub("^@$", ".", fields[NAMED[kind]])
        text = " ".join(fields)
    return re.sub("[^ -~]", lambda match: "".join(f"\\{byte:03}" for byte in match[0].encode()), text)


def _opt(size: int, ttl: int, value: Any) -> str:
    """As dig prints it: `version 0; flags do; udp 1232; …options`."""
    flags = " do" if ttl & 0x8000 else ""
    head = f"version {(ttl >> 16) & 0xFF}; flags{flags}; udp {size}"
    return "; ".join([head, *(option.to_text() for option in value.options)])


# types whose data the kernel writes: if it did not, it is malformed; and where others have a name that is not absolute
KERNEL_TYPES = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 18, 21, 28, 33, 36, 39, 99})
NAMED: dict[int, int] = {
    RdataType.RRSIG: 7, RdataType.NSEC: 0, RdataType.SVCB: 1, RdataType.HTTPS: 1, RdataType.NAPTR: -1
}  # fmt: skip


def _named(reader: Reader, values: Packets, name: Callable[[int], str], otherwise: str = "") -> pa.Array:
    """Numbers as names, below 0 as null. OTHERWISE: what stands before a number whose name fails (RFC 3597, 5)."""

    def named(value: int) -> str | None:
        try:
            return name(value) if value >= 0 else None
        except Exception:  # as with data
            reader.failed[NAMELESS] += 1
            return f"{otherwise}{value}"

    used, index = np.unique(values, return_inverse=True)
    return dictionary(index, [named(value) for value in used.tolist()])


def opcode(number: int) -> str:
    """Mnemonic of an operation."""
    return "DSO" if number == 6 else Opcode.to_text(number)


def _flags(head: int) -> str:
    return " ".join(name for bit, name in FLAGS.items() if head & bit)


def _class(rows: Packets) -> Packets:
    return np.where(rows[:, d.R_TYPE] == RdataType.OPT, -1, rows[:, d.R_CLASS])


def _ttl(rows: Packets) -> pa.Array:
    none = (rows[:, d.R_TTL] < 0) | (rows[:, d.R_TYPE] == RdataType.OPT)
    return pa.array(rows[:, d.R_TTL], mask=none)


COLUMNS: dict[str, Callable[[Reader, Packets, Packets], pa.Array]] = {
    "id": lambda _, rows, __: pa.array((rows[:, d.R_HEAD] >> 16).astype(np.int32)),
    "kind": lambda _, rows, __: dictionary((rows[:, d.R_HEAD] >> 15) & 1, ("query", "response")),
    "opcode": lambda reader, rows, _: _named(reader, (rows[:, d.R_HEAD] >> 11) & 15, opcode),
    "rcode": lambda reader, rows, _: _named(reader, rows[:, d.R_CODE], lambda one: Rcode.to_text(one)),
    "flags": lambda reader, rows, _: _named(reader, rows[:, d.R_HEAD] & 0x7B0, _flags),
    "section": lambda reader, rows, _: _named(reader, rows[:, d.R_SECTION], SECTIONS.__getitem__),
    "name": lambda reader, rows, _: reader.text("name", rows[:, d.R_NAMED] > 0),
    "class": lambda reader, rows, _: _named(reader, _class(rows), lambda one: RdataClass.to_text(one), "CLASS"),
    "type": lambda reader, rows, _: _named(reader, rows[:, d.R_TYPE], lambda one: RdataType.to_text(one), "TYPE"),
    "ttl": lambda _, rows, __: _ttl(rows),
    "data": _data,
    "length": lambda _, rows, messages: pa.array(messages[rows[:, d.R_MESSAGE], WHOLE].astype(np.int32)),
}
"""How each column is made."""
