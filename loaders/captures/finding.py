"""Finds captures: files, folders (with sub-folders), globs; of this machine, of HDFS and of S3."""

from __future__ import annotations

import glob
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from packetpig.loaders.captures.capture import Capture, Source, beginning, local, opened, reason
from packetpig.loaders.captures.pcap import MAGICS
from packetpig.loaders.contract.report import CaptureError, Report
from packetpig.loaders.remote import system as remote
from packetpig.loaders.remote.system import hidden, is_remote


def find(paths: Iterable[str], sensors: str = "") -> list[Capture]:
    """All captures that PATHS name, ordered by path. Raises CaptureError for a path that names none.

    With SENSORS `folders` each folder right below a path is a sensor of its own.
    """
    captures = []
    for path in paths:
        captures += list(_remote(path, sensors) if is_remote(path) else _local(path, sensors))
    return captures


def found_captures(paths: Sequence[str], sensors: str, report: Report | None) -> list[Capture]:
    """The captures that the paths name; what cannot be found is said in the report, if there is one."""
    captures: list[Capture] = []
    failures = []
    for path in paths:
        try:
            captures += find([path], sensors)
        except CaptureError as error:
            if report is None:
                raise
            failures.append(error)
    if failures and not captures:
        raise CaptureError("\npacketpig: ".join(map(str, failures)))
    for failure in failures:
        assert report is not None
        report.failures += 1
        report.warn(str(failure))
    return captures


def _local(path: str, sensors: str) -> Iterator[Capture]:
    if path == "-" or os.path.exists(path):  # noqa: PTH110
        yield from _below(path, sensors)
        return
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not matches:
        raise CaptureError(f"{path}: no such file or folder")
    for match in matches:
        yield from _below(match, sensors)


def _below(path: str, sensors: str) -> Iterator[Capture]:
    if path == "-" or not Path(path).is_dir():
        yield local(path)
        return
    found = False
    for folder, folders, files in os.walk(path, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not hidden(name))
        for name in sorted(files):
            if not hidden(name):
                found = True
                full = os.path.join(folder, name)  # noqa: PTH118
                below = os.path.relpath(full, path)
                yield local(full, below, _sensor(below, sensors))
    if not found:
        raise CaptureError(f"{path}: a folder without captures")


def _unreadable(error: OSError) -> None:
    raise CaptureError(f"{error.filename}: no permission to list this folder") from error


def _sensor(below: str, sensors: str) -> str:
    folder, slash, _ = below.partition("/")
    return folder if sensors == "folders" and slash else "default"


def _remote(path: str, sensors: str) -> Iterator[Capture]:
    try:
        system, inside = remote.of(path)
        matches = remote.glob(system, inside)
        if not matches:
            raise CaptureError(f"{path}: no such file or folder")
        found = [one for match in matches for one in _remote_below(system, match, sensors)]
    except OSError as error:
        raise CaptureError(f"{path}: {reason(error)}") from error
    if not found:
        raise CaptureError(f"{path}: a folder without captures")
    yield from found


def _remote_below(system: remote.System, top: remote.Status, sensors: str) -> Iterator[Capture]:
    files = remote.walk(system, top.path) if top.folder else [top]
    for file in sorted(files, key=lambda one: one.path):
        below = file.path[len(top.path.rstrip("/")) + 1 :] if top.folder else file.name
        source = partial(remote.Source, system, file.path)
        yield Capture(system.name + file.path, source, below, _sensor(below, sensors), size=file.size)


def in_time_order(captures: list[Capture]) -> list[Capture]:
    """The captures by the time of their first packets; those whose time is not known stay last, by path."""
    if len(captures) < 2:
        return captures
    return sorted(captures, key=lambda capture: (packet_time(capture), capture.path))


def packet_time(capture: Capture) -> float:
    """Seconds of the first packet, for ordering; infinity where there is none, or it is not easily found."""
    if capture.path == "standard input":
        return float("inf")
    try:
        source: Source = opened(capture)
    except CaptureError:
        return float("inf")
    from packetpig.loaders.captures.compression import Unpacked, compression  # not needed for a capture alone

    try:
        head = beginning(source, 1 << 12)
        packed = compression(head)
        if packed:
            head = beginning(Unpacked(source, capture.path, packed, Report()), 1 << 12)
        return first_time(head)
    except OSError:
        return float("inf")
    finally:
        source.close()


def first_time(head: bytes) -> float:
    """Seconds of the first packet of a capture that begins with HEAD; infinity if it is not in there."""
    for order in "<>":
        if len(head) >= 32 and struct.unpack(order + "I", head[:4])[0] in MAGICS:
            magic, seconds, part = struct.unpack(order + "I20xII", head[:32])
            return float(seconds + part / (1e9 if magic == 0xA1B23C4D else 1e6))
    if head[:4] == b"\x0a\x0d\x0d\x0a" and len(head) >= 12:
        return _first_time_pcapng(head)
    return float("inf")


def _first_time_pcapng(head: bytes) -> float:
    order = ">" if head[8:12] == b"\x1a\x2b\x3c\x4d" else "<"
    unit: float = 1e-6
    at = 0
    while at + 28 <= len(head):
        kind, total = struct.unpack(order + "II", head[at : at + 8])
        if kind == 1 and (place := head.find(struct.pack(order + "HH", 9, 1), at + 16, at + total)) > 0:
            exponent = head[place + 4]
            unit = 2.0 ** -(exponent & 0x7F) if exponent & 0x80 else 10.0**-exponent
        if kind in (2, 6):
            high, low = struct.unpack(order + "II", head[at + 12 : at + 20])
            ticks: int = (high << 32) | low
            return ticks * unit
        at += max(12, total)
    return float("inf")
