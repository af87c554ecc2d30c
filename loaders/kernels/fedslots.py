"""Columns of packets that are made ready for other programs (feeding.py), and what their values mean."""

# columns of a packet
TIME = 0  # nanoseconds since the epoch
ADDRESS = 1  # of the frame's first byte in memory
CAPTURED = 2
LENGTH = 3
CAPTURE = 4  # number of the capture
SKIP = 5  # bytes at the begin that are left out
HEAD = 6  # what is put before them: an EtherType, 0 for nothing; -1: no way to give this packet
TAGS = 7  # VLAN ids + 1 of the two tags that are put before them as well, 16 bits each
PAIR = 8  # of the two addresses, the same in both directions
KEY = 9  # of TCP: of addresses and ports, in the direction of the packet
KIND = 10  # of TCP: flags, and what follows
STAMP = 11  # of TCP: the time stamp option's value, 0 where there is none
GIVEN = 12  # TIME as it is given: never earlier than that of the packet before
COLUMNS = 13

HAS_PAYLOAD = 1 << 8
HAS_BLANK_LINE = 1 << 9  # in the payload: what ends the headers of HTTP

ETHERNET = 1
HELD = (
    1_000_000_000  # nanoseconds: packets that are so much out of order keep the time before; more, and a clock was set
)
MOST = 262_144  # bytes: the longest record that libpcap takes
OFFSET = 14695981039346656037  # of FNV-1a, 64 bits: what KEY and PAIR are made with, shifted right by one
PRIME = 1099511628211  # likewise
