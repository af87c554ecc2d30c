"""Which captures a location means."""

import json
import os

import pytest


@pytest.fixture
def folder(tmp_path):
    for path in (
        "b.pcap",
        "north/a.pcap",
        "north/2024/c.pcap",
        "south/a.pcap",
        "_SUCCESS",
        ".b.pcap.crc",
        "_tmp/d.pcap",
        "north/.e",
    ):
        file = tmp_path / "in" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    return tmp_path / "in"


def names(found):
    return [(name, sensor) for _, _, name, sensor in found]


def test_folder(probe, folder):
    found = probe.ask("list", location=str(folder))
    assert names(found) == [(n, "default") for n in ("b.pcap", "north/2024/c.pcap", "north/a.pcap", "south/a.pcap")]
    assert found[0][:2] == [str(folder / "b.pcap"), 6]


def test_file_uri(probe, folder):
    assert len(probe.ask("list", location=folder.as_uri())) == 4


def test_sensor_folders(probe, folder):
    found = probe.ask("list", location=str(folder), sensors=True)
    assert [sensor for _, sensor in names(found)] == ["default", "north", "north", "south"]


def test_single_file_is_named_as_it_is(probe, folder):
    assert names(probe.ask("list", location=f"{folder}/north/a.pcap")) == [("a.pcap", "default")]


def test_glob_is_named_below_its_fixed_part(probe, folder):
    assert names(probe.ask("list", location=f"{folder}/*/a.pcap", sensors=True)) == [
        ("north/a.pcap", "north"),
        ("south/a.pcap", "south"),
    ]


def test_glob_leaves_hidden_files_out(probe, folder):
    assert names(probe.ask("list", location=f"{folder}/*")) == [
        (n, "default") for n in ("b.pcap", "north/2024/c.pcap", "north/a.pcap", "south/a.pcap")
    ]


def test_list_with_commas_has_each_once(probe, folder):
    found = probe.ask("list", location=f"{folder}/b.pcap,{folder}/north,{folder}/*.pcap")
    assert names(found) == [("b.pcap", "default"), ("2024/c.pcap", "default"), ("a.pcap", "default")]


def test_names_that_look_like_something_else(probe, tmp_path):
    for name in ("12:30:00.pcap", "a b#c%41.pcap", "[x]*.pcap", "å.pcap"):
        (tmp_path / name).write_text("x")
    assert {n for n, _ in names(probe.ask("list", location=str(tmp_path)))} == {
        "12:30:00.pcap",
        "a b#c%41.pcap",
        "[x]*.pcap",
        "å.pcap",
    }
    assert names(probe.ask("list", location=f"{tmp_path}/[x]*.pcap")) == [("[x]*.pcap", "default")]


def test_missing(probe, tmp_path):
    assert probe.error("list", location=f"{tmp_path}/nothing") == f"no such file or folder: {tmp_path}/nothing"
    assert probe.error("list", location=f"{tmp_path}/*.pcap") == f"nothing matches {tmp_path}/*.pcap"


def test_empty_folder(probe, tmp_path):
    assert probe.error("list", location=str(tmp_path)) == f"no captures in {tmp_path}"


def test_links(probe, folder, tmp_path):
    (tmp_path / "linked").symlink_to(folder)
    (folder / "to_nowhere").symlink_to(tmp_path / "gone")
    assert len(probe.ask("list", location=f"{tmp_path}/linked")) == 4
    (folder / "north/round").symlink_to(folder)
    assert "round in circles" in probe.error("list", location=str(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(probe, folder):
    (folder / "b.pcap").chmod(0)
    assert probe.error("list", location=str(folder)) == f"cannot read {folder}/b.pcap: permission denied"
    assert len(probe.ask("list", location=str(folder), skip=True)) == 4


def test_ten_thousand_files_are_listed_in_a_second(probe, tmp_path):
    import time

    for i in range(10_000):
        (tmp_path / f"{i:05}.pcap").touch()
    probe.ask("list", location=str(tmp_path))
    start = time.monotonic()
    assert len(probe.ask("list", location=str(tmp_path))) == 10_000
    assert time.monotonic() - start < 1


def test_options(probe):
    assert probe.ask("options", options=["mode=a=b", "where=x == 1", "sensors=folders"])
    assert (
        probe.error("options", options=["colour=red"])
        == "loader fake has no option colour (it has: mode, sensors, where)"
    )
    assert "name=value" in probe.error("options", options=["red"])
    assert "twice" in probe.error("options", options=["mode=1", "mode=2"])
    assert "folders" in probe.error("options", options=["sensors=all"])


def test_list_of_captures(probe, folder):
    """Names and sensors are the list's; the order is that of paths."""
    captures = [
        {"path": str(folder / name), "capture": name, "sensor": "roof", "size": 6}
        for name in ("south/a.pcap", "b.pcap")
    ]
    listed = folder / "some.captures"
    listed.write_text("".join(json.dumps(one) + "\n" for one in captures))
    found = probe.ask("list", location=str(listed))
    assert found == [[one["path"], 6, one["capture"], "roof"] for one in reversed(captures)]


def test_list_that_is_none(probe, folder):
    listed = folder / "bad.captures"
    listed.write_text('{"path": "a"}\n')
    with pytest.raises(Exception, match="not a list of captures"):
        probe.ask("list", location=str(listed))
