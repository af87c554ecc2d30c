"""What can be set: in luigi.cfg, section [packetpig], or on the command line, which wins."""

from __future__ import annotations

import ipaddress
import os
import shlex

import luigi
from packetpig.pipelines.pig import HEAP, options

CORES = os.cpu_count() or 1
MODES = ("local", "mapreduce", "tez", "tez_local")
LEAST = {"workers": 1, "max_windows": 1, "settle": 0, "warm": 0, "follow": -1}
"""Below these a number would have a run hang, or leave out something in silence."""


def networks(text: str) -> list[str]:
    """The networks that TEXT names, with commas or spaces. Raises ValueError if there is none, or something else."""
    found = text.replace(",", " ").split()
    for one in found or [""]:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise ValueError(f"internal: {one or 'nothing'} is no network like 10.0.0.0/8 or fc00::/7") from None
    return found


class Settings(luigi.Config):
    """The pipeline's settings; docs/pipeline.md explains them."""

    @classmethod
    def get_task_family(cls) -> str:
        """The section of luigi.cfg."""
        return "packetpig"

    @property
    def here(self) -> bool:
        """Whether scripts run on this machine, not on a cluster."""
        return self.mode in ("local", "tez_local")

    def options(self) -> list[str]:
        """Options of bin/pig."""
        return [*options(self.captures, self.tables), *shlex.split(self.pig_options)]

    def check(self) -> None:
        """Raise ValueError, in a line, for what nothing can be done with."""
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: {getattr(self, name)} is less than {least}")
        if self.mode not in MODES:
            raise ValueError(f"mode: {self.mode} is none of {', '.join(MODES)}")
        networks(self.internal)

    captures = luigi.Parameter(description="folder of captures: of this machine, hdfs:// or s3a://")
    tables = luigi.Parameter(description="folder of tables: of this machine, hdfs:// or s3a://")
    window = luigi.Parameter(default="1d", description="length of a window: 15m, 6h, 1d")
    sensors = luigi.ChoiceParameter(
        default="", choices=["", "folders"], description="folders: each folder right below the input is a sensor"
    )
    settle = luigi.IntParameter(default=0, description="seconds a capture must have been left alone to be read")
    follow = luigi.IntParameter(
        default=-1,
        description="seconds behind a window in which its sessions are followed for what they say; "
        "-1: as long as a window, an hour at most",
    )
    warm = luigi.IntParameter(
        default=300, description="seconds before a window that an IDS and p0f are fed first, to know what goes on"
    )
    internal = luigi.Parameter(
        default="10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,2001:db8::/32", description="networks of ours"
    )
    engine = luigi.ChoiceParameter(
        default="auto",
        choices=["auto", "snort", "suricata"],
        description="which IDS; auto: what is installed, Snort first",
    )
    rules = luigi.Parameter(default="", description="rules of the IDS: files or folders, with commas; Packetpig's own")
    mode = luigi.Parameter(default="local", description="how Pig runs: local, mapreduce, tez, tez_local")
    pig_options = luigi.Parameter(default="", description="more options of bin/pig, such as -D name=value")
    heap = luigi.Parameter(default=HEAP, description="memory of each process of Pig at most, as Java has it: 768m, 2g")
    workers = luigi.IntParameter(default=min(2, CORES), description="stages that run at once")
    without = luigi.Parameter(default="", description="stages to leave out, with commas")
    max_windows = luigi.IntParameter(default=5000, description="windows a capture may reach into")
    scheduler = luigi.Parameter(default="", description="URL of luigid; without it the run schedules itself")
