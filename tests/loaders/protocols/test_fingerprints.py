"""Fingerprints: the vectors that their authors published."""

from __future__ import annotations

import pytest
from packetpig.loaders.protocols.fingerprints import ja3_text, ja3s_text, ja4, md5
from packetpig.loaders.protocols.tls import Hello


def codes(text: str) -> tuple[int, ...]:
    return tuple(int(one, 16) for one in text.split(","))


def chrome() -> Hello:
    """The example of FoxIO's technical_details/JA4.md, with GREASE put in."""
    hello = Hello(0x0303, versions=(0x2A2A, 0x0304, 0x0303), alpn=[b"h2", b"http/1.1"])
    hello.ciphers = codes("8a8a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035")
    hello.extensions = list(
        codes("1a1a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015,dada")
    )
    hello.algorithms = codes("0403,0804,0401,0503,0805,0501,0806,0601")
    return hello


def test_ja4() -> None:
    assert ja4(chrome(), "t") == "t13d1516h2_8daaf6152771_e5627efa2ab1"
    bare = chrome()
    bare.algorithms = ()
    assert ja4(bare, "q") == "q13d1516h2_8daaf6152771_6d807ffa2a79"
    assert ja4(Hello(0x0302), "t") == "t11i000000_000000000000_000000000000"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("ab", "ab"), ("20", "20"), ("abcd", "ad"), ("2061", "21"), ("30ab", "3b"), ("6120", "60"), ("3031abcd", "3d"),
     ("30abcd31", "01"), ("78", "xx"), ("", "00")],
)  # fmt: skip
def test_ja4_of_names_that_are_no_text(name: str, wanted: str) -> None:
    hello = Hello(0x0303, alpn=[bytes.fromhex(name)])
    assert ja4(hello, "t")[8:10] == wanted


def test_ja3() -> None:
    hello = Hello(769, ciphers=(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4), extensions=[0, 10, 11])
    hello.groups, hello.formats = (23, 24, 25), (0,)
    assert ja3_text(hello) == "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
    assert md5(ja3_text(hello)) == "ada70206e40642a3e4461f35503241d5"
    bare = Hello(769, ciphers=(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99))
    assert md5(ja3_text(bare)) == "de350869b8c85de67a350c8d186f11e6"


def test_ja3s() -> None:
    assert ja3s_text(Hello(769, ciphers=(47,), extensions=[65281, 0, 11, 35, 5, 16])) == "769,47,65281-0-11-35-5-16"
