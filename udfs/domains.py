"""Names of hosts: what was registered, what is below it, how random it looks, and other scripts.

What a registrable suffix is (`co.uk`, `github.io`) says the public suffix list, which comes with the package
publicsuffixlist; unknown top-level domains count as suffixes. An address or what cannot be a name (more than 253
characters, an empty label) gives null.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import Any

from packetpig.udfs._addresses import packed
from packetpig.udfs._values import pure, text
from pig_util import outputSchema

LONGEST = 253
DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})


def _encoded(label: str) -> str | None:
    """A label in ASCII; null where it has none."""
    if label.isascii():
        return label
    try:
        return label.encode("idna").decode("ascii")
    except UnicodeError:  # emoji and other characters that old rules lack: punycode alone
        pass
    try:
        label.encode("utf-8")  # no halves of surrogate pairs
        found = "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return None
    return found if len(found) < 64 else None


def _labels(name: Any) -> list[str] | None:
    """The labels of a name in lower case and ASCII; null if it is none."""
    found = text(name, LONGEST + 3)
    if found is None:
        return None
    found = found.translate(DOTS).removesuffix(".").lower()
    if not found or len(found) > LONGEST or (packed(found) is not None):
        return None
    labels = []
    for label in found.split("."):
        encoded = _encoded(label)
        if not encoded or len(encoded) > 63:
            return None
        labels.append(encoded)
    return labels


@functools.lru_cache(1)
def _list() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _parts(name: Any) -> tuple[list[str], int] | None:
    """The labels, and how many of them the public suffix takes."""
    labels = _labels(name)
    if labels is None:
        return None
    suffix = _list().publicsuffix(".".join(labels))
    return labels, len(suffix.split(".")) if suffix else 0


@pure
@outputSchema("suffix:chararray")
def suffix(name: str | None) -> str | None:
    """The public suffix: `co.uk` of `www.example.co.uk`.

    Pig: `FOREACH names GENERATE name, domains.suffix(name);`
    """
    found = _parts(name)
    return ".".join(found[0][-found[1] :]) if found and found[1] else None


@pure
@outputSchema("domain:chararray")
def registered_domain(name: str | None) -> str | None:
    """What somebody has registered: `example.co.uk` of `www.example.co.uk`; null for a suffix alone.

    Pig: `FOREACH names GENERATE name, domains.registered_domain(name);`
    """
    found = _parts(name)
    return ".".join(found[0][-found[1] - 1 :]) if found and 0 < found[1] < len(found[0]) else None


@pure
@outputSchema("subdomain:chararray")
def subdomain(name: str | None) -> str | None:
    """What stands before the registered domain: `www` of `www.example.co.uk`; empty if nothing does.

    Pig: `FOREACH names GENERATE name, domains.subdomain(name);`
    """
    found = _parts(name)
    return ".".join(found[0][: -found[1] - 1]) if found and 0 < found[1] < len(found[0]) else None


@pure
@outputSchema("entropy:double")
def label_entropy(name: str | None) -> float | None:
    """Entropy of the label that has most, in bits a character, without the public suffix.

    Words have about 2 to 3, generated names of 16 and more characters and data in labels (tunnels) 3.5 to 5.

    Pig: `FOREACH names GENERATE name, domains.label_entropy(name);`
    """
    found = _parts(name)
    if found is None or found[1] >= len(found[0]):
        return None
    return max(map(_entropy, found[0][: len(found[0]) - found[1]]))


def _entropy(label: str) -> float:
    size = len(label)
    return abs(sum(count / size * math.log2(size / count) for count in Counter(label).values()))


@pure
@outputSchema("ascii:chararray")
def to_ascii(name: str | None) -> str | None:
    """The name as DNS has it, in lower case: `xn--bcher-kva.example` of `Bücher.example`.

    Pig: `FOREACH names GENERATE name, domains.to_ascii(name);`
    """
    labels = _labels(name)
    return None if labels is None else ".".join(labels)


@pure
@outputSchema("unicode:chararray")
def to_unicode(name: str | None) -> str | None:
    """The name as people read it: `bücher.example` of `xn--bcher-kva.example`. A broken label stays as it is.

    Pig: `FOREACH names GENERATE name, domains.to_unicode(name);`
    """
    labels = _labels(name)
    return None if labels is None else ".".join(map(_decoded, labels))


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        found = label[4:].encode("ascii").decode("punycode")
        found.encode("utf-8")  # no halves of surrogate pairs
    except (UnicodeError, ValueError, OverflowError):
        return label
    return found if found and "." not in found and found.isprintable() else label


@pure
@outputSchema("labels:int")
def depth(name: str | None) -> int | None:
    """How many labels the name has.

    Pig: `FOREACH names GENERATE name, domains.depth(name);`
    """
    labels = _labels(name)
    return None if labels is None else len(labels)
