"""A bundle's way into the user's folder of a file system, here that of this machine: which ones stay there."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

WEEK = 7 * 24 * 3600
SITE = "<configuration><property><name>{}</name><value>{}</value></property></configuration>"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project like this one, whose bundle is a small file that need not be made."""
    root = tmp_path / "project"
    for folder in ("bin", "build/bundle", "conf"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "bin/pig", root / "bin")
    (root / "bin/bundle").write_text("#!/bin/sh\n")
    (root / "bin/bundle").chmod(0o755)
    for name in ("build/lib", "build/jars", "build/cds", "pig", "loaders", "udfs", ".venv"):
        (root / name).symlink_to(ROOT / name)
    (root / "conf/core-site.xml").write_text(SITE.format("fs.defaultFS", "file:///"))
    (root / "conf/mapred-site.xml").write_text(SITE.format("mapreduce.framework.name", "local"))
    return root


def ship(root: Path, digest: str) -> str:
    """A run that would use the bundle with that digest; what it said."""
    (root / "build/bundle/packetpig.tar.gz").write_text(digest)
    (root / "build/bundle/packetpig.tar.gz.sha256").write_text(digest + "\n")
    own = {"HADOOP_CONF_DIR": str(root / "conf"), "PACKETPIG_JAVA_OPTS": f"-Duser.home={root}"}
    own |= {"PACKETPIG_LOGS": str(root / "logs"), "TMPDIR": str(root.parent)}
    command = [str(root / "bin/pig"), "-x", "mapreduce", "-e", f"fs -ls {root}/conf;"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **own})
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_nobody_used_for_a_week_goes(project: Path) -> None:
    folder = project / ".packetpig"
    used, unused, half = folder / f"bundle-{'a' * 16}.tar.gz", folder / "bundle-b.tar.gz", folder / "half-1-1"
    assert "once" in ship(project, "a" * 64)
    old = time.time() - 2 * WEEK
    for path in (unused, half):
        path.write_text("old")
    for path in (used, unused, half):
        os.utime(path, (old, old))
    assert ship(project, "a" * 64) == ""
    assert used.stat().st_mtime == pytest.approx(old, abs=1)  # or YARN would take it for another one
    assert "once" in ship(project, "c" * 64)
    assert {path.name for path in folder.glob("[!.]*")} == {used.name, f"bundle-{'c' * 16}.tar.gz"}
