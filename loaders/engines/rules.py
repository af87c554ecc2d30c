"""Rules of IDS engines: where they are, how many, and what their classes mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packetpig.loaders.contract.loader import OptionError

CLASSES = Path(__file__).with_name("classification.config")
NETWORKS = {
    **dict.fromkeys(
        "HTTP_SERVERS SMTP_SERVERS SQL_SERVERS DNS_SERVERS TELNET_SERVERS FTP_SERVERS SSH_SERVERS SIP_SERVERS "
        "DC_SERVERS DNP3_SERVER DNP3_CLIENT MODBUS_SERVER MODBUS_CLIENT ENIP_SERVER ENIP_CLIENT".split(),
        "$HOME_NET",
    ),
    "AIM_SERVERS": "$EXTERNAL_NET",
}
HTTP = "80,81,591,2301,3128,7001,8000,8008,8080,8081,8088,8888"
PORTS = {
    "HTTP_PORTS": f"[{HTTP}]",
    "SHELLCODE_PORTS": "!80",
    "ORACLE_PORTS": "[1521,1024:]",
    "SSH_PORTS": "22",
    "FTP_PORTS": "[21,2100,3535]",
    "FTPDATA_PORTS": "[20,1024:]",
    "FILE_DATA_PORTS": f"[{HTTP},110,143]",
    "DNP3_PORTS": "20000",
    "MODBUS_PORTS": "502",
    "SIP_PORTS": "[5060,5061,5600]",
    "GENEVE_PORTS": "6081",
    "VXLAN_PORTS": "4789",
    "TEREDO_PORTS": "3544",
}
"""Variables that rules use, beside HOME_NET and EXTERNAL_NET."""
_CLASS = re.compile(r"^config +classification: *([^,\s]+) *, *([^,]*?) *, *(\d+)")


@dataclass(frozen=True)
class Rules:
    """Files of rules, and the file that says what their classes mean. `whole`: the files that these are parts of."""

    files: tuple[Path, ...]
    classes: Path = CLASSES
    whole: tuple[Path, ...] = ()

    @classmethod
    def of(cls, names: str | Sequence[str | Path]) -> Rules:
        """Files, or folders with all `.rules` in them, as a list or with commas; nothing: Packetpig's own.

        A `classification.config` beside the first file counts. Raises OptionError.
        """
        given = [name for name in names.split(",") if name] if isinstance(names, str) else list(names)
        files: list[Path] = []
        for name in given or [own()]:
            path = Path(name).expanduser()
            if path.is_dir():
                found = sorted(path.glob("*.rules"))
                if not found:
                    raise OptionError(f"rules: no *.rules in the folder {path}")
                files += found
            elif path.is_file():
                files.append(path)
            else:
                raise OptionError(f"rules: no such file or folder: {path}")
        files = [path.resolve() for path in files]
        beside = files[0].with_name("classification.config")
        return cls(tuple(files), beside if beside.is_file() else CLASSES)

    @cached_property
    def names(self) -> dict[str, str]:
        """Short names of classes by what they mean, as some engines write them."""
        return {meaning: name for name, meaning, _ in self.each_class()}

    def each_class(self) -> list[tuple[str, str, int]]:
        """Name, meaning and priority of each class."""
        found = map(_CLASS.match, self.classes.read_text(errors="replace").splitlines())
        return [(one[1], one[2], int(one[3])) for one in found if one]


def own() -> Path:
    """The folder of Packetpig's own rules."""
    import packetpig.pipelines

    return Path(next(iter(packetpig.pipelines.__path__)), "rules")
