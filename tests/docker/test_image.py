"""The sandbox without Docker: it copies what there is, publishes to loopback, greets with what works."""

from __future__ import annotations

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

from docker.cluster import DAEMONS, DATA_PORTS, PORTS
from tests.conftest import ROOT

DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
COMPOSE = (ROOT / "docker/compose.yaml").read_text()
GREETING = (ROOT / "docker/greeting").read_text()


def left_out(name: str) -> bool:
    """Whether .dockerignore keeps a path out of the build: the last line that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().split():
        pattern = line.removeprefix("!").removeprefix("**/")
        above = [name, *(str(one) for one in Path(name).parents), *(Path(name).parts if line[:2] == "**" else ())]
        if any(fnmatch.fnmatch(one, pattern) for one in above):
            out = not line.startswith("!")
    return out


def test_what_is_copied_is_there() -> None:
    copied = [
        one
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M)
        for one in line.split()[:-1]
        if one != "."
    ]
    assert {"pom.xml", "bin/setup", "requirements.lock", "loaders/bridge/java"} <= set(copied)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a checkout")
    for one in copied:
        assert any(name == one or name.startswith(f"{one}/") for name in tracked), one
        assert not left_out(one), one
    sent = [name for name in tracked if not left_out(name)]
    assert {"bin/pig", "docker/bashrc", "docker/greeting", "Makefile", "tests/captures/truth.json"} <= set(sent)
    assert not [name for name in sent if name.startswith("tests/") and name.endswith(".py") and name.count("/") > 1]


def test_services_are_daemons_that_there_are() -> None:
    """Each is healthy by its own port, and published, if at all, to loopback unless told otherwise."""
    run = re.findall(r"command: cluster run (\w+)", COMPOSE)
    assert sorted(run) == sorted(DAEMONS)
    known = {str(port) for port in [*PORTS.values(), *DATA_PORTS.values()]} | {"8082"}
    assert COMPOSE.count("build:\n") == 1  # several would make the same image at once, of which but one gets its name
    assert re.findall(r"pull_policy: (\w+)", COMPOSE) == ["never"]  # a registry may have somebody else's of that name
    assert re.findall(r"PACKETPIG_BASE:-([^}]+)}", COMPOSE) == re.findall(r"^ARG BASE=(.+)$", DOCKERFILE, re.M)
    assert COMPOSE.count("  init: true") == 1  # for all of them: who is the first process buries the others
    published = re.findall(r"ports: \[(.*)\]", COMPOSE)
    assert len(published) == 4
    for line in published:
        found = re.fullmatch(r'"\$\{PACKETPIG_BIND:-127\.0\.0\.1\}:(\d+):(\d+)"', line)
        assert found, line
        assert found[1] == found[2]
        assert found[1] in known
    healthy = re.findall(r"http://(\w+):(\d+)/", COMPOSE)
    services = re.findall(r"^  (\w+):\n    <<:", COMPOSE, re.M)
    assert {host for host, _ in healthy} | {"sandbox"} == set(services)
    assert {port for _, port in healthy} <= known
    for after in re.findall(r"(\w+): \{condition: service_healthy\}", COMPOSE):
        assert after in services


def test_the_greeting_works() -> None:
    targets = subprocess.run(["make", "scripts"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"make (\w+)", GREETING):
        assert re.search(rf"^ *{target} ", targets, re.M), target
    statements = " ".join(re.findall(r"^ {6}(\w.*;)", GREETING, re.M))
    assert statements.endswith("DUMP talkers;")
    done = subprocess.run(
        [str(ROOT / "bin/pig"), "-x", "local", "-e", statements], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "(10.10.1.80," in done.stdout
