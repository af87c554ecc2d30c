"""Names of hosts. (The template of a module of functions: docs/write-your-own.md.)"""

from __future__ import annotations

from pig_util import outputSchema


@outputSchema("host:chararray")
def label(name: str | None) -> str | None:
    """The first label of a host's name, in lower case.

    Pig: `FOREACH names GENERATE hosts.label(name);`
    """
    return None if name is None else name.split(".", 1)[0].lower()


label.pure = True  # equal arguments always give equal answers: the bridge remembers them
