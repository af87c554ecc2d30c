"""Tables as the pipeline writes them, made up: of any size, and with the strings that hostile traffic would send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import ROOT

START = 1_709_510_400.0  # Monday 4 March 2024
DAYS = 4

HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "</script><script>window.hacked = 1</script>",
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked = 1')()}}",
    "&lt;b&gt;&amp;amp;",
    "nul\x00 bell\x07 escape\x1b[2J line\nend\r\ttab",
    "photo\u202egpj.exe",
    "\u2067right\u2069 \u200fto\u200e left",
    "zero\u200bwidth\ufeff soft\u00adhyphen",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031ealgo",
    "שלום עולם",
    "line\u2028separator\u2029paragraph",
    "quote ' or 1=1 -- $(touch hacked) `touch hacked` \\",
    "*/ alert(1) /* <!-- ]]> -->",
    "https://evil.example/?a=1&b=2#sessions",
    "x" * 10_000,
    "😀 é 漢字",
    "__proto__",
    "constructor",
    "",
]


def countries() -> list[str]:
    """All codes of ISO 3166 (and Kosovo's), as set-up fetched them."""
    return sorted(code for code, *_ in json.loads((ROOT / "build/report/codes.json").read_text("utf-8")))


def write(folder: Path, name: str, table: pa.Table, windows: int = DAYS) -> None:
    """Write a table by days of capture time."""
    if "ts" not in table.column_names:
        (folder / name).mkdir(parents=True)
        pq.write_table(table, folder / name / "part-r-00000.parquet")
        return
    days = ((table["ts"].to_numpy() - START) // 86400).astype(int)
    for day in range(windows):
        target = folder / name / f"window=2024-03-{4 + day:02}"
        target.mkdir(parents=True)
        pq.write_table(table.filter(pa.array(days == day)), target / "part-r-00000.parquet")


def tables(folder: Path, sessions: int = 3000, alerts: int = 800, seed: int = 7) -> dict[str, pa.Table]:
    """Write them all; gives them too."""
    random = np.random.default_rng(seed)
    made = {
        "sessions": _sessions(random, sessions),
        "packets": _packets(random, max(1000, sessions // 10)),
        "http": _http(random, max(100, sessions // 5)),
        "dns": _dns(random, max(200, sessions // 5)),
        "tls": _tls(random, max(50, sessions // 10)),
        "files": _files(random, max(60, sessions // 20)),
        "fingerprints": _fingerprints(random, max(50, sessions // 10)),
        "alerts": _alerts(random, alerts),
        "enriched": _enriched(),
        "anomalies": _anomalies(random, 30),
        "first_seen": _first_seen(random, 400),
        "incidents": _incidents(),
    }
    for name, table in made.items():
        write(folder, name, table)
    return made


def _times(random: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    return np.sort(START + random.random(count) * DAYS * 86400)


def _pick(random: np.random.Generator, words: list[Any], count: int) -> list[Any]:
    return [words[at] for at in np.minimum(random.geometric(min(0.5, 4 / len(words)), count) - 1, len(words) - 1)]


def _hex(random: np.random.Generator, count: int, bytes_: int = 8) -> list[str]:
    data = random.bytes(count * bytes_)
    return [data[at * bytes_ : at * bytes_ + bytes_].hex() for at in range(count)]


def _flow(random: np.random.Generator, count: int) -> dict[str, Any]:
    ids = _hex(random, count)
    return {
        "sensor": pa.array(["default"] * count),
        "capture": pa.array(_pick(random, ["monday.pcap", "tuesday.pcap", "it's here; rm -rf x.pcap"], count)),
        "ts": _times(random, count),
        "session_id": ids,
        "community_id": [f"1:{one}AAAAAAAAAAA=" for one in ids],
        "proto": _pick(random, ["tcp", "udp", "icmp"], count),
        "src": _pick(random, [f"10.10.1.{n}" for n in range(100, 140)] + ["2001:db8:10::101"], count),
        "sport": pa.array(random.integers(1024, 65536, count), pa.int32()),
        "dst": _pick(random, [f"192.0.2.{n}" for n in range(1, 60)] + ["2001:db8:20::1"], count),
        "dport": pa.array(_pick(random, [80, 443, 53, 22, 25, 8080], count), pa.int32()),
    }


def _sessions(random: np.random.Generator, count: int) -> pa.Table:
    flow = _flow(random, count)
    duration = 10 ** random.uniform(-5, 3, count)
    sizes = {
        name: (10 ** random.uniform(0, 5, count)).astype(np.int64)
        for name in ("src_packets", "dst_packets", "src_bytes", "dst_bytes", "src_ip_bytes", "dst_ip_bytes")
    }
    more = {
        "vlan": pa.nulls(count, pa.int32()),
        "end_ts": flow["ts"] + duration,
        "duration": duration,
        "service": _pick(random, ["http", "tls", "dns", None, "ssh", "smtp"], count),
        "state": _pick(random, ["SF", "S0", "REJ", "RSTO", "OTH"], count),
        "end_state": _pick(random, ["close", "timeout", "reset", "open"], count),
    }
    return pa.table(flow | more | sizes | {"missed_bytes": np.zeros(count, np.int64)})


def _packets(random: np.random.Generator, count: int) -> pa.Table:
    minutes = (_times(random, count) // 60) * 60
    sent = random.integers(0, 50, count)
    received = random.integers(0, 50, count)
    return pa.table(
        {
            "sensor": ["default"] * count,
            "ts": minutes,
            "ip_proto": pa.array(_pick(random, [6, 17, 1, None, 58, 47], count), pa.int32()),
            "host": _pick(random, [f"10.10.1.{n}" for n in range(100, 140)] + [None], count),
            "sent_packets": sent,
            "sent_bytes": sent * 700,
            "received_packets": received,
            "received_bytes": received * 300,
        }
    )


def _http(random: np.random.Generator, count: int) -> pa.Table:
    words = ["/", "/index.html", *HOSTILE]
    more = {
        "method": _pick(random, ["GET", "POST", "HEAD"], count),
        "host": _pick(random, ["shop.example", "www.example", *HOSTILE], count),
        "uri": [words[at % len(words)] for at in range(count)],
        "version": ["1.1"] * count,
        "status": pa.array(_pick(random, [200, 404, 302, 500, None], count), pa.int32()),
        "user_agent": _pick(random, ["curl/7.88", "Mozilla/5.0", None, *HOSTILE], count),
        "content_type": _pick(random, ["text/html", "image/png"], count),
        "request_headers": pa.array([[{"name": "Host", "value": HOSTILE[0]}]] * count),
        "request_bytes": random.integers(0, 1000, count),
        "response_bytes": random.integers(0, 100000, count),
    }
    return pa.table(_flow(random, count) | more)


def _dns(random: np.random.Generator, count: int) -> pa.Table:
    names = ["www.example.com", "mail.example.com", "shop.example.org", "a.b.example.net", *HOSTILE]
    section = _pick(random, ["question", "answer"], count)
    kinds = ["query" if one == "question" and at % 3 else "response" for at, one in enumerate(section)]
    more = {
        "id": pa.array(random.integers(0, 65536, count), pa.int32()),
        "kind": kinds,
        "opcode": ["QUERY"] * count,
        "rcode": [
            None if kind == "query" else rcode
            for kind, rcode in zip(kinds, _pick(random, ["NOERROR", "NXDOMAIN"], count))
        ],
        "section": section,
        "name": _pick(random, names, count),
        "class": ["IN"] * count,
        "type": _pick(random, ["A", "AAAA", "TXT"], count),
        "ttl": pa.array(
            [None if one == "question" else int(n) for one, n in zip(section, 10 ** random.uniform(0, 5, count))],
            pa.int64(),
        ),
        "data": [
            None if one == "question" else f"198.51.100.{n}" for one, n in zip(section, random.integers(1, 30, count))
        ],
    }
    return pa.table(_flow(random, count) | more)


def _tls(random: np.random.Generator, count: int) -> pa.Table:
    more = {
        "version": _pick(random, ["TLSv1.3", "TLSv1.2"], count),
        "sni": _pick(random, ["shop.example", None, *HOSTILE], count),
        "alpn": _pick(random, ["h2", "http/1.1", None], count),
        "cipher": ["TLS_AES_128_GCM_SHA256"] * count,
        "ja4": ["t13d1516h2_8daaf6152771_02713d6af862"] * count,
        "issuer": _pick(random, ["CN=Example CA", *HOSTILE], count),
        "not_after": START + random.random(count) * 1e7,
    }
    return pa.table(_flow(random, count) | more)


def _files(random: np.random.Generator, count: int) -> pa.Table:
    more = {
        "protocol": _pick(random, ["http", "smtp", "ftp"], count),
        "direction": _pick(random, ["to_client", "to_server"], count),
        "name": [([*HOSTILE, "report.pdf"])[at % (len(HOSTILE) + 1)] for at in range(count)],
        "mime": _pick(random, ["application/pdf", "image/png", "text/html", None], count),
        "extension": _pick(random, ["pdf", "png", None], count),
        "size": (10 ** random.uniform(1, 7, count)).astype(np.int64),
        "complete": random.random(count) < 0.9,
        "md5": _hex(random, count, 16),
        "sha1": _hex(random, count, 20),
        "sha256": _hex(random, count, 32),
    }
    return pa.table(_flow(random, count) | more)


def _fingerprints(random: np.random.Generator, count: int) -> pa.Table:
    more = {
        "mod": _pick(random, ["syn", "syn+ack", "mtu", "uptime"], count),
        "subject": _pick(random, ["client", "server"], count),
        "os": _pick(random, ["Linux 3.11 and newer", "Windows NT kernel", None, "Mac OS X"], count),
        "app": _pick(random, [None, *HOSTILE], count),
        "dist": pa.array(random.integers(0, 20, count), pa.int32()),
        "link": _pick(random, ["Ethernet or modem", "DSL"], count),
    }
    return pa.table(_flow(random, count) | more)


def _alerts(random: np.random.Generator, count: int) -> pa.Table:
    flow = _flow(random, count)
    sources = len(countries())
    # every country at least once, and some more often
    more = np.minimum(random.geometric(0.02, max(0, count - sources)), sources) - 1
    flow["src"] = [f"203.0.{at // 250}.{at % 250 + 1}" for at in [*range(min(count, sources)), *more]]
    signatures = [
        (1000 + at, 1 + at % 4, message)
        for at, message in enumerate(["SQL injection", "Port scan", "Shell in URL", "Ping", *HOSTILE])
    ]
    chosen = _pick(random, signatures, count)
    engine = {
        "engine": ["suricata"] * count,
        "gid": pa.array([1] * count, pa.int32()),
        "sid": pa.array([one[0] for one in chosen], pa.int64()),
        "rev": pa.array([1] * count, pa.int32()),
        "priority": pa.array([one[1] for one in chosen], pa.int32()),
        "classification": ["Attempted Information Leak"] * count,
        "message": [one[2] for one in chosen],
    }
    return pa.table(flow | engine)


def _enriched() -> pa.Table:
    codes = countries()
    return pa.table(
        {
            "ip": [f"203.0.{at // 250}.{at % 250 + 1}" for at in range(len(codes))],
            "country": codes,
            "as_org": [HOSTILE[at % len(HOSTILE)] for at in range(len(codes))],
        }
    )


def _anomalies(random: np.random.Generator, count: int) -> pa.Table:
    flow = _flow(random, count)
    return pa.table(
        {
            "sensor": flow["sensor"],
            "ts": flow["ts"],
            "end_ts": flow["ts"] + 600,
            "kind": _pick(random, ["scan", "beacon", "guessing"], count),
            "severity": pa.array(_pick(random, [1, 2, 3], count), pa.int32()),
            "src": flow["src"],
            "dst": flow["dst"],
            "dport": flow["dport"],
            "count": random.integers(1, 1000, count),
            "score": random.random(count),
            "detail": [HOSTILE[at % len(HOSTILE)] for at in range(count)],
            "session_id": flow["session_id"],
        }
    )


def _first_seen(random: np.random.Generator, count: int) -> pa.Table:
    return pa.table(
        {
            "kind": _pick(random, ["source", "signature", "domain", "user_agent", "file", "outbound_flow"], count),
            "value": [HOSTILE[at % len(HOSTILE)] or f"value {at}" for at in range(count)],
            "ts": _times(random, count),
        }
    )


def _incidents() -> pa.Table:
    return pa.table(
        {
            "ts": [START + 3600.0, START + 90000.0],
            "end_ts": [START + 200000.0, START + 93000.0],
            "severity": pa.array([1, 3], pa.int32()),
            "attacker": ["203.0.0.9", "203.0.0.70"],
            "target": ["10.10.1.80", "10.10.1.25"],
            "tried": [HOSTILE[1], "guessing"],
            "worked": ["files left the house", None],
        }
    )
