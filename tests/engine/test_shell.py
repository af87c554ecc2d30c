"""The Grunt shell on a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

from .conftest import PIG, Pig


def test_errors_are_short_and_the_shell_goes_on(pig: Pig, tmp_path: Path) -> None:
    pig("-h")  # makes the folders
    said = _talk(
        tmp_path,
        "rows = LOAD 'rows.txt' AS (n:int, word:chararray);",
        "a = FOREECH rows;",
        "x = LOAD 'nowhere';",
        "DUMP x;",
        "DUMP rows;",
        "fs -ls nowhere;",
        "STORE rows INTO 'out';",
        "quit",
    )
    assert "pig: Syntax error, unexpected symbol at or near 'a'\n" in said
    assert f"pig: {tmp_path}/nowhere: no such file or folder\n" in said
    assert "(1,one)\n(2,two)\n(3,three)\n" in said
    assert "ls: `nowhere': No such file or directory\n" in said
    assert "out: 3 rows\n" in said
    assert "ERROR" not in said
    assert "Exception" not in said
    assert (tmp_path / ".pig_history").read_text().splitlines()[0].startswith("rows = LOAD")


def _talk(folder: Path, *lines: str) -> str:
    """What the shell shows when the lines are typed; without what rewrites the progress line."""
    environment = {
        **os.environ,
        "PACKETPIG_LOGS": str(folder / "logs"),
        "PACKETPIG_JAVA_OPTS": f"-Duser.home={folder}",
        "TERM": "xterm",
    }
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        ["setsid", "--ctty", "--wait", PIG], cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    said = b""
    for line in lines:
        said += _until(master, b"grunt> ")
        os.write(master, line.encode() + b"\r")
        said += _until(master, b"\n")
    said += _until(master, None)
    os.close(master)
    assert shell.wait(timeout=30) == 0, said
    return re.sub(r"\r\x1b\[K(pig: [^\r\n]*(?=\r\x1b))?", "", said.decode()).replace("\r", "")


def _until(terminal: int, end: bytes | None) -> bytes:
    said = b""
    while end is None or end not in said:
        try:
            part = os.read(terminal, 1)
        except OSError:  # the other side is gone
            break
        if not part:
            break
        said += part
    return said
