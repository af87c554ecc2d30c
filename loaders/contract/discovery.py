"""Finds loaders: each module right in `loaders/` that declares LOADER is one, under the module's name."""

from __future__ import annotations

import importlib
import pkgutil

import packetpig.loaders
from packetpig.loaders.contract.loader import Loader, OptionError


def names() -> list[str]:
    """Names of all loaders that come with Packetpig, as the shell knows them."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(packetpig.loaders.__path__)
        if not module.ispkg and not module.name.startswith("_")
    )


def find(name: str) -> Loader:
    """The loader NAME: `packets`, `PacketLoader` or a module of the user's, `my.module`. Raises OptionError."""
    known = names()
    if name not in known and "." not in name:
        for candidate in known:
            loader = find(candidate)
            if loader.pig == name:
                return loader
        raise OptionError(f"no loader {name}; there are {', '.join(known)}")
    module = f"packetpig.loaders.{name}" if name in known else name
    try:
        loader = importlib.import_module(module).LOADER
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(error.name + ".")):
            raise OptionError(f"no loader {name}: no module {error.name} on Python's path") from error
        raise
    except AttributeError as error:
        raise OptionError(f"no loader {name}: the module {module} declares no LOADER") from error
    if not isinstance(loader, Loader):
        raise OptionError(f"no loader {name}: LOADER of {module} is not a Loader")
    return loader
