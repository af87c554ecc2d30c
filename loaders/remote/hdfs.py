"""HDFS by WebHDFS: fsspec's client of the protocol, with what it leaves open closed.

Names are given and taken at once by the NameNode (RENAME with options, which refuses where the plain one does nothing),
so a file is written under another name first. Bytes go to and from DataNodes in one request each, whose lengths are
checked. A process that was forked has connections of its own.
"""

from __future__ import annotations

import getpass
import os
import re
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, TypeVar

import requests
import urllib3
from fsspec.implementations.webhdfs import WebHDFS
from packetpig.loaders.remote import hadoop
from packetpig.loaders.remote.system import COPIED, FORGOTTEN, Status

TIMEOUT = (20.0, 120.0)  # seconds: until somebody answers, and between bytes
TRIES = 3
GONE = (0, 0.2, 0.5, 1.0)  # seconds after which what could not be sent is removed, again and again
PART = re.compile(r"\..+\.[0-9a-f]{32}")  # a file until it is whole
T = TypeVar("T")


class _Session(requests.Session):
    """Never by a proxy, and never without end."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # Hadoop's own clients use no proxy

    def request(self, *arguments: Any, **more: Any) -> requests.Response:
        """See requests.Session."""
        more.setdefault("timeout", TIMEOUT)
        return super().request(*arguments, **more)


class _Client(WebHDFS):  # type: ignore[misc]
    """fsspec's, for one NameNode."""

    def __init__(self, url: str) -> None:
        scheme, _, place = url.partition("://")
        host, _, port = place.rpartition(":")
        secure = hadoop.kerberos()
        user = None if secure else os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
        super().__init__(
            host, port, user=user, kerberos=secure, use_https=scheme == "https", use_listings_cache=False,
        )  # fmt: skip

    cachable = False  # one for each who asks: another user, another process
    session: requests.Session

    def _connect(self) -> None:
        try:
            super()._connect()
        except ImportError as error:
            raise OSError("this HDFS asks for Kerberos: install the Python package requests-kerberos") from error
        session = _Session()
        session.auth, session.verify = self.session.auth, self.session.verify
        self.session = session


class Hdfs:
    """See System. `host`: host and port, or the name of a service, as in the address; empty: the default one."""

    moves = True

    def __init__(self, host: str) -> None:
        host = host or hadoop.default()
        if not host:
            raise OSError("an address of HDFS has a host: hdfs://host:port/path (or HADOOP_CONF_DIR says which)")
        self.name = f"hdfs://{host}"
        self._host = host
        self._clients: list[_Client] = []
        self._process = 0

    def _with(self, ask: Callable[[_Client], T]) -> T:
        """Ask the NameNode that is active; those in reserve refuse."""
        if self._process != os.getpid():
            self._clients = [_Client(url) for url in hadoop.name_nodes(self._host)]
            self._process = os.getpid()
        if not self._clients:
            raise OSError(f"{self.name}: its configuration names no NameNode for WebHDFS")
        last: OSError | None = None
        for client in list(self._clients):
            try:
                return ask(client)
            except requests.ConnectionError as error:
                last = OSError(f"{_server(error, client.url)} cannot be reached ({_cause(error)})")
            except (RuntimeError, ValueError) as error:
                if "state standby" not in str(error):
                    raise OSError(_line(error)) from error
                last = OSError(_line(error))
            except FileNotFoundError:
                raise
            except PermissionError as error:
                raise PermissionError(13, _line(error)) from error
            except OSError as error:
                raise OSError(_line(error)) from error
            self._clients.append(self._clients.pop(0))
        assert last is not None
        raise last

    def _call(self, operation: str, method: str, path: str, **more: Any) -> requests.Response:
        answer: requests.Response = self._with(lambda client: client._call(operation, method, path, **more))
        return answer

    def status(self, path: str) -> Status | None:
        """See System."""
        try:
            return _status(path, self._with(lambda client: client.info(path)))
        except FileNotFoundError:
            return None

    def entries(self, path: str) -> list[Status]:
        """See System."""
        try:
            found = self._with(lambda client: client.ls(path, detail=True))
        except FileNotFoundError:
            return []
        return [_status(one["name"], one) for one in found if one["pathSuffix"]]  # else it is a file itself

    def home(self) -> str:
        """The user's folder, below which paths are that do not begin with a slash."""
        return str(self._with(lambda client: client.home_directory()))

    def open(self, path: str) -> _File:
        """See System."""
        found = self.status(path)
        if found is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        if found.folder:
            raise IsADirectoryError(21, "Is a directory", path)
        return _File(self, path, found.size)

    def fill(self, path: str, into: memoryview, offset: int) -> int:
        """One request for as many bytes as INTO has; how many came."""

        def ask(client: _Client) -> int:
            length = str(len(into))
            sent = client._call("OPEN", "get", path, redirect=False, offset=str(offset), length=length)
            if "Location" in sent.headers:
                sent = client.session.get(sent.headers["Location"], stream=True)
            _check(sent)
            filled = 0
            with sent:
                try:
                    while filled < len(into) and (count := sent.raw.readinto(into[filled:])):
                        filled += count
                except urllib3.exceptions.HTTPError as error:
                    if not filled:
                        raise OSError(_line(error)) from error
            return filled

        return self._with(ask)

    def write(self, path: str, file: IO[bytes]) -> None:
        """See System."""
        above, _, name = path.rpartition("/")
        part = f"{above}/.{name}.{uuid.uuid4().hex}"
        try:
            self._put(part, file)
            self._call("RENAME", "put", part, destination=path, renameoptions="OVERWRITE")
        except BaseException:
            for wait in GONE:  # a DataNode may only be about to make it
                time.sleep(wait)
                with suppress(OSError):
                    self.remove(part)
            raise

    def _put(self, path: str, file: IO[bytes]) -> None:
        begin, end = file.tell(), file.seek(0, os.SEEK_END)

        def ask(client: _Client) -> None:
            where = client._call("CREATE", "put", path, redirect=False, overwrite="true")
            file.seek(begin)
            data = _Data(file, end - begin) if end > begin else b""
            headers = {"content-type": "application/octet-stream"}
            _check(client.session.put(where.headers["Location"], data=data, headers=headers))

        self._with(ask)
        there = self.status(path)
        if there is None or there.size != end - begin:
            raise OSError(f"only {there.size if there else 0:,} of {end - begin:,} bytes arrived")

    def sweep(self, path: str) -> None:
        """See System."""
        for entry in self.entries(path):
            if PART.fullmatch(entry.name) and not entry.folder and entry.changed < time.time() - FORGOTTEN:
                self.remove(entry.path)

    def make(self, path: str) -> None:
        """See System."""
        if not self._call("MKDIRS", "put", path).json()["boolean"]:
            raise OSError(f"{path}: the folder was not made")

    def move(self, source: str, target: str) -> None:
        """See System."""
        self.make(target.rpartition("/")[0] or "/")
        self._call("RENAME", "put", source, destination=target, renameoptions="NONE")

    def remove(self, path: str) -> None:
        """See System."""
        self._call("DELETE", "delete", path, recursive="true")


class _Data:
    """A file's bytes from where it stands on, with their number: so they go as they are read, not in chunks."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self.len = file, size

    def read(self, most: int = -1) -> bytes:
        """As http.client asks for it."""
        return self._file.read(COPIED if most < 0 else max(most, COPIED))


class _File:
    """See Handle."""

    def __init__(self, system: Hdfs, path: str, size: int) -> None:
        self._system, self._path, self.size = system, path, size

    def fill(self, into: memoryview, offset: int) -> None:
        """See Handle; a DataNode that ends in the middle is asked again, or another one in its place."""
        filled, left = 0, TRIES
        while filled < len(into):
            came, why = 0, "it ends early"
            try:
                came = self._system.fill(self._path, into[filled:], offset + filled)
            except FileNotFoundError:
                raise
            except OSError as error:
                why = _line(error)
            filled += came
            left = left if came else left - 1
            if filled < len(into) and not left:
                raise OSError(f"offset {offset + filled:,}: {why}")
            if not came:
                time.sleep(0.2)

    def close(self) -> None:
        """See Handle."""


def _status(path: str, told: dict[str, Any]) -> Status:
    return Status(path, told["type"] == "directory", int(told["length"]), told["modificationTime"] / 1000)


def _check(answer: requests.Response) -> None:
    """What a DataNode says; its reason is in what it sends."""
    if answer.status_code >= 400:
        try:
            message = answer.json()["RemoteException"]["message"]
        except (ValueError, KeyError):
            message = f"HTTP status {answer.status_code}"
        raise OSError(_line(message))


def _line(error: object) -> str:
    """The first line."""
    return (str(error).splitlines() or ["?"])[0].strip()


def _server(error: requests.ConnectionError, url: str) -> str:
    """Whom nobody could reach: a NameNode, or a DataNode that it named."""
    asked = str((error.request.url if error.request is not None else None) or url)
    return "/".join(asked.split("/")[:3])


def _cause(error: requests.ConnectionError) -> str:
    text = str(error)
    return text.rpartition("] ")[2].rstrip("')\"") if "] " in text else _line(error)
