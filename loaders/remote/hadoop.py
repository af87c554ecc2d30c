"""Hadoop's configuration, as far as it says where HDFS is: no JVM is asked."""

from __future__ import annotations

import functools
import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOLD = "PACKETPIG_HADOOP"
"""Variable of the environment with settings that the JVM hands on to a loader's process, a line each."""
ADDRESS = "PACKETPIG_WEBHDFS"
"""Variable of the environment that says where WebHDFS is, if configuration does not: http://host:port."""
PORT, SECURE_PORT = 9870, 9871


def folder() -> Path | None:
    """Where the configuration is: as bin/pig finds it."""
    if named := os.environ.get("HADOOP_CONF_DIR"):
        return Path(named)
    if home := os.environ.get("HADOOP_HOME"):
        return Path(home) / "etc/hadoop"
    own = ROOT / "build/cluster/conf"  # of `make cluster-up`
    return own if own.is_dir() else None


def settings() -> Mapping[str, str]:
    """Settings of core-site.xml and hdfs-site.xml, and those that were handed on."""
    return _settings(folder(), os.environ.get(TOLD, ""))


@functools.lru_cache
def _settings(place: Path | None, told: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in ("core-site.xml", "hdfs-site.xml") if place else ():
        assert place is not None
        try:
            tree = ET.parse(place / name)  # noqa: S314 -- the machine's own configuration
        except FileNotFoundError:
            continue
        except ET.ParseError as error:
            raise OSError(f"{place / name}: {error}") from error
        for entry in tree.getroot().iter("property"):
            found[(entry.findtext("name") or "").strip()] = (entry.findtext("value") or "").strip()
    return found | dict(line.split("=", 1) for line in told.splitlines() if "=" in line)


def default() -> str:
    """Host and port, or name, of the file system that hdfs:///path is of; empty if nobody says."""
    value = settings().get("fs.defaultFS", "")
    return value.removeprefix("hdfs://").split("/")[0] if value.startswith("hdfs://") else ""


def name_nodes(authority: str) -> list[str]:
    """Where WebHDFS of the HDFS of an address is: http://host:port; several where there are NameNodes in reserve."""
    if given := os.environ.get(ADDRESS):
        return [one.strip().rstrip("/") for one in given.split(",")]
    known = settings()
    secure = known.get("dfs.http.policy", "") == "HTTPS_ONLY"
    scheme, port = ("https", SECURE_PORT) if secure else ("http", PORT)
    key = f"dfs.namenode.{scheme}-address"
    host = authority.rpartition(":")[0] or authority
    if authority in [name.strip() for name in known.get("dfs.nameservices", "").split(",")]:
        nodes = [name.strip() for name in known.get(f"dfs.ha.namenodes.{authority}", "").split(",")]
        keys = [f"{key}.{authority}.{name}" for name in nodes if name] or [f"{key}.{authority}"]
        return [f"{scheme}://{known[one]}" for one in keys if one in known]
    address = known.get(key, "") if authority == default() else ""
    given_host, _, given_port = address.rpartition(":")
    if given_host in ("", "0.0.0.0"):  # noqa: S104 -- it is compared
        return [f"{scheme}://{host}:{given_port or port}"]
    return [f"{scheme}://{address}"]


def kerberos() -> bool:
    """Whether HDFS asks who comes."""
    return settings().get("hadoop.security.authentication", "").lower() == "kerberos"
