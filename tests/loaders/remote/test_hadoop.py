"""Where WebHDFS is, by Hadoop's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from packetpig.loaders.remote import hadoop


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HADOOP_HOME", hadoop.TOLD, hadoop.ADDRESS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))


def configure(folder: Path, **files: dict[str, str]) -> None:
    for name, settings in files.items():
        rows = "".join(f"<property><name>{k}</name><value>{v}</value></property>" for k, v in settings.items())
        (folder / f"{name}-site.xml").write_text(f"<configuration>{rows}</configuration>")
    hadoop._settings.cache_clear()


def test_without_configuration() -> None:
    assert hadoop.name_nodes("one:8020") == ["http://one:9870"]
    assert hadoop.default() == ""


def test_one_name_node(tmp_path: Path) -> None:
    configure(tmp_path, core={"fs.defaultFS": "hdfs://one:9000"}, hdfs={"dfs.namenode.http-address": "web:50070"})
    assert hadoop.default() == "one:9000"
    assert hadoop.name_nodes("one:9000") == ["http://web:50070"]
    assert hadoop.name_nodes("other:9000") == ["http://other:9870"]
    configure(tmp_path, hdfs={"dfs.namenode.http-address": "0.0.0.0:50070"})
    assert hadoop.name_nodes("one:9000") == ["http://one:50070"]


def test_several_name_nodes(tmp_path: Path) -> None:
    hdfs = {"dfs.nameservices": "us, them", "dfs.ha.namenodes.us": "a,b"}
    hdfs |= {f"dfs.namenode.http-address.us.{name}": f"{name}:9870" for name in "ab"}
    configure(tmp_path, core={"fs.defaultFS": "hdfs://us"}, hdfs=hdfs)
    assert hadoop.name_nodes("us") == ["http://a:9870", "http://b:9870"]


def test_what_a_jvm_hands_on_and_what_is_said_outright(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "fs.defaultFS=hdfs://one:8020\ndfs.namenode.https-address=web:1\ndfs.http.policy=HTTPS_ONLY\n"
    monkeypatch.setenv(hadoop.TOLD, told + "hadoop.security.authentication=kerberos")
    assert hadoop.name_nodes("one:8020") == ["https://web:1"]
    assert hadoop.kerberos()
    monkeypatch.setenv(hadoop.ADDRESS, "http://gate:14000/, http://b:1")
    assert hadoop.name_nodes("one:8020") == ["http://gate:14000", "http://b:1"]


def test_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "core-site.xml").write_text("<configuration>")
    hadoop._settings.cache_clear()
    with pytest.raises(OSError, match=r"core-site\.xml: "):
        hadoop.settings()
