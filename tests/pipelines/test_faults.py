"""What may go wrong around the pipeline: it says so in a line, does the rest, and nothing half-written counts."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packetpig.pipelines import pig, stage
from packetpig.pipelines.__main__ import main
from packetpig.pipelines.expire import main as expire
from packetpig.pipelines.stage import stages

from tests.conftest import ROOT
from tests.pipelines.test_pipeline import CAPTURES, LENGTH, found_sessions, inputs, pipeline, rows, sessions

SMALL = 20_000  # bytes of a file: less than the run wants to write


def only(*kept: str) -> tuple[str, str]:
    return "--without", ",".join(sorted(set(stages()) - set(kept)))


def test_a_script_is_what_it_does(tmp_path: Path) -> None:
    """Its statements and those of macros that it uses, down to the last; comments do not count."""
    script, same, other = (tmp_path / f"{name}.pig" for name in ("one", "same", "other"))
    script.write_text("-- What?\nrows = LOAD 'x';\nfound = ANOMALIES(rows, rows, '');\n")
    same.write_text("-- What else?\n\nrows = LOAD 'x';\n  -- so\nfound = ANOMALIES(rows, rows, '');\n")
    other.write_text("-- What?\nrows = LOAD 'x';\nfound = ANOMALIES(rows, rows, '10.0.0.0/8');\n")
    assert pig.program(script) == pig.program(same) != pig.program(other)
    assert "DEFINE ANOMALY_BEACONS" in pig.program(script)
    assert "DEFINE SESSIONS(" not in pig.program(script)


def test_a_heap_that_java_would_not_take(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for heap in ("much", "1", "1k", "1m", "0g", "-1g", "1g -version"):
        assert main([str(tmp_path / "in"), str(tmp_path / "out"), f"--heap={heap}"]) == 2
        assert capfd.readouterr().err.endswith(f"pipeline: heap: {heap} is no amount of memory like 1g or 768m\n")


@pytest.mark.slow
def test_an_edited_script_has_its_tables_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """But for windows whose captures are gone: they stay as they are."""
    captures, tables = inputs(tmp_path / "in", *CAPTURES), tmp_path / "out"
    scripts = Path(shutil.copytree(stage.SCRIPTS, tmp_path / "scripts"))
    monkeypatch.setattr(stage, "SCRIPTS", scripts)
    run = [str(captures), str(tables), "--window", LENGTH, *only("packets", "tracked", "sessions")]
    assert main(run) == 0
    (scripts / "packets.pig").write_text((stage.SCRIPTS / "packets.pig").read_text().replace("time=60", "time=120"))
    (captures / CAPTURES[0]).unlink()
    pig.program.cache_clear()
    capfd.readouterr()
    assert main(run) == 0
    said = capfd.readouterr().err.splitlines()
    assert [line.split()[1:3] for line in said if " rows, " in line] == [["packets", "2024-03-05T1600:"]]
    assert sum("packets: 1 windows stay as they were made before" in line for line in said) == 1
    assert {row["ts"] % 120 for row in rows(tables, "packets") if str(row["window"]).endswith("T1600")} == {0}
    shutil.rmtree(tables / ".done")  # what it cannot make again is named, and it goes on
    assert main(run) == 1
    said = capfd.readouterr().err.splitlines()
    assert not any("failed" in line for line in said)
    assert sum(" not run: captures of this window are gone" in line for line in said) == 2
    assert [line.split()[1:3] for line in said if " rows, " in line] == [["packets", "2024-03-05T1600:"]]


@pytest.mark.slow
def test_without_an_engine_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKETPIG_SNORT", "/nowhere")
    monkeypatch.setenv("PACKETPIG_SURICATA", "/nowhere")
    captures, tables = inputs(tmp_path / "in", CAPTURES[0]), tmp_path / "out"
    few = only("tracked", "sessions", "alerts", "seen", "first_seen")
    result = pipeline(captures, tables, LENGTH, *few)
    assert result.returncode == 1
    assert [line.split(" ", 1)[1] for line in result.stderr.splitlines() if "not run" in line or "failed" in line] == [
        "alerts: not run: no snort and no suricata on this machine's path; docs/threats.md says how to get one; "
        "PACKETPIG_SNORT or PACKETPIG_SURICATA may name the program"
    ]
    assert found_sessions(tables) == sessions(captures)
    assert rows(tables, "first_seen")
    assert not (tables / "alerts").exists()
    result = pipeline(captures, tables, LENGTH, *few, "--rules", f"{tmp_path}/none")
    assert result.returncode == 1
    assert f"alerts: not run: rules: no such file or folder: {tmp_path}/none" in result.stderr


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    """As root a small disk; else the size of files is limited. `expire`, which makes room, works on it."""
    captures, tables = inputs(tmp_path / "in", *CAPTURES), tmp_path / "out"
    tables.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(tables)]
    small = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        command = [sys.executable, "-m", "packetpig.pipelines", str(captures), str(tables), "--window", LENGTH]
        command += only("packets", "tracked", "sessions", "said")
        limit = None if small else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False, preexec_fn=limit
        )
        assert result.returncode == 1
        failed = [line for line in result.stderr.splitlines() if "failed: " in line]
        assert failed
        assert all(("No space left on device" if small else "File too large") in line for line in failed)
        assert "Traceback" not in result.stderr
        assert not (tables / ".work").exists()
        if small:
            with (tables / "filled").open("wb") as file, pytest.raises(OSError, match="No space left"):
                file.write(bytes(1 << 20))
            assert expire([str(captures), str(tables), "--days", "1", "--dry-run"]) == 0
            (tables / "filled").unlink()
            subprocess.run(["mount", "-o", "remount,size=100m", str(tables)], check=True)
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert again.returncode == 0, again.stderr
        assert found_sessions(tables) == sessions(captures)
    finally:
        if small:
            subprocess.run(["umount", "--lazy", str(tables)], check=True)
