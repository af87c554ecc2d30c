"""write a table that Pig stored into MongoDB, Cassandra or OpenSearch; a second time changes nothing"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
from pathlib import Path
from types import ModuleType
from urllib.parse import quote, urlsplit, urlunsplit

from packetpig.loaders.contract.loader import OptionError
from packetpig.loaders.exports import table as tables
from packetpig.loaders.exports.rows import keyed

ROWS = 1000
VARIABLE = "PACKETPIG_PASSWORD"
"""Variable of the environment that has the password of the target's user."""
COUNTED = 1_000_000
"""Keys that are remembered to say how many rows have the key of another."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("table", type=Path, help="what a script or a stage stored: Parquet, or text with a schema")
    parser.add_argument(
        "target",
        help="mongodb://HOST/DATABASE/COLLECTION, cassandra://HOST/KEYSPACE/TABLE, opensearch://HOST:9200/INDEX "
        f"(opensearch+https:// too); USER@ before the host where it needs one, the password in {VARIABLE}",
    )
    parser.add_argument(
        "--key",
        metavar="A,B",
        default="",
        help="columns that make a row what it is; without it all: equal rows are one",
    )
    parser.add_argument("--batch", type=int, default=ROWS, metavar="N", help=f"rows a request ({ROWS})")


def run(options: argparse.Namespace) -> int:
    """Export."""
    module = _module(options.target)
    target = _with_password(options.target)
    if options.batch < 1:
        raise OptionError("--batch takes a number from 1 on")
    table = tables.read(options.table)
    key = [name for name in options.key.split(",") if name]
    for name in key:
        if name not in table.schema.names:
            raise OptionError(f"--key: {options.table} has no column {name}; it has {', '.join(table.schema.names)}")
    seen: set[bytes] = set()
    rows = 0
    with module.target(target, table) as write:
        for batch in table.batches(options.batch):
            found = keyed(batch, key)
            rows += len(found)
            if len(seen) < COUNTED:
                seen.update(bytes.fromhex(one) for one, _ in found)
            write(found)
    same = rows - len(seen) if len(seen) < COUNTED else 0
    print(f"{rows:,} rows" + (f" ({same:,} of them with the key of another)" if same else ""))
    return 0


def _with_password(target: str) -> str:
    """The target with the password from the environment: on a command line every user could read it."""
    parts = urlsplit(target)
    if parts.password is not None:
        raise OptionError(f"no password on the command line, please, where all can read it: it goes into {VARIABLE}")
    secret = os.environ.get(VARIABLE)
    if not parts.username or secret is None:
        return target
    return urlunsplit(parts._replace(netloc=parts.netloc.replace("@", f":{quote(secret, safe='')}@", 1)))


def _module(target: str) -> ModuleType:
    import packetpig.loaders.exports as package

    scheme = target.partition("://")[0]
    known: list[str] = []
    for one in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"packetpig.loaders.exports.{one.name}")
        schemes = getattr(module, "SCHEMES", ())
        if scheme in schemes and "://" in target:
            return module
        known += [f"{name}://" for name in schemes]
    raise OptionError(f"{target}: a target begins with one of {', '.join(known)}")
