"""Places in a packet's row and in a session's row, as the session kernels and the Python that calls them know them.

Both are rows of 64-bit numbers that begin alike: the flow's key, from the address that is lower to the other, so that
both directions have the same. Side 0 is that lower address, side 1 the other.
"""

# the key, in both
A_HIGH = 0  # address of side 0; IPv4 in the low half
A_LOW = 1
B_HIGH = 2
B_LOW = 3
PORTS = 4  # version << 56, protocol << 48, kind of ICMP << 32, port of side 0 << 16, port of side 1
TAGS = 5  # number of the sensor << 32, VLAN + 1 << 16, inner VLAN + 1
KEY = 6  # numbers in the key
HASH = 6  # of the key, the same everywhere

# a packet's row
P_TIME = 7  # nanoseconds since the epoch
P_FLAGS = 8
P_NUMBERS = 9  # sequence number << 32, acknowledgment number
P_PAYLOAD = 10  # bytes of payload, as the headers say
P_LENGTH = 11  # bytes of IP | what it came through (frame.TUNNEL) << 32
P_CAPTURE = 12  # number of the capture
P_ADDRESS = 13  # where the payload is in memory; 0 where there is none
P_THERE = 14  # bytes of payload that were captured
P_SESSION = 15  # serial number of its session * 2 + side, once it was tracked; -1: none
PACKET = 16

# P_FLAGS: TCP's own in bits 0 to 8
FIN, SYN, RST, ACK = 1, 2, 4, 16
ENTROPY = 9  # shift; 7 bits: entropy of the first payload bytes in 1/16 bits, where it was asked for
FROM_B = 1 << 16  # sent by side 1
CUT = 1 << 17  # not all of the payload was captured
ERROR = 1 << 18  # an ICMP error about the flow of the key
ONE_WAY = 1 << 19  # ICMP that has no answer
BROADCAST = 1 << 20  # to 255.255.255.255
ICMP_TYPE = 24  # shift; 8 bits
ICMP_CODE = 32  # shift; 8 bits: the type that answers, or the code
SIGNATURE = 40  # shift; 8 bits: what the payload looks like
INSTEAD = 1 << 21  # that error as a packet of its own, for when there is no session that it is about
LEFT_OUT = 1 << 23  # its payload was captured, and a split left it out since nobody would want it
PART = 1 << 22  # a fragment, row P_ADDRESS of its table: nothing but time and capture is known
PRINT = 48  # shift; 15 bits that tell packets of one time apart: IP identification and checksum

# what a packet did to its streams; offsets of payload from the begin of the stream
M_OFFSET = 0  # of the packet's payload; below 0: before the begin
M_BEFORE = 1  # end of the sender's payload without a hole, before the packet
M_AFTER = 2  # and after it
M_OTHER_BEFORE = 3  # the same of the other side: an acknowledgment can end the wait for what is missing
M_OTHER_AFTER = 4
M_SERVICE = 5  # what the session speaks, as far as that is known after the packet
M_SURE = 6  # 1: that cannot be otherwise if there are packets before: it began with a SYN, and its first payload tells
MOVE = 7

# a run: what one side says without the other speaking in between
R_FIRST = 0  # its first packet
R_COUNT = 1  # its packets
R_SIZE = 2  # bytes of payload
R_NAME = 3  # session * 2 + side
R_KIND = 4
R_SERVICE = 5
R_TIME = 6
R_ASKED = 7  # followed only if its session is asked for
RUN = 8
# kinds of runs: the next bytes of a stream; one datagram; one packet of a stream that does more, or something else
R_NEXT, R_DATAGRAM, R_ODD = range(3)
R_GIVEN = 255  # in place of a service: what is said was given already

# a session's row
STATUS = 7
SERIAL = 8
START = 9  # time of the first packet, nanoseconds since the epoch
LAST = 10  # time of the last packet; once both sides have closed it stands still
DEADLINE = 11  # when an unanswered attempt is given up; 0: never
DELETE = 12  # when a session that was closed is forgotten; 0: not closed
CAPTURE = 13  # of the first packet
SERVICE = 14  # decided service | hint << 8 | payloads looked at << 16
ICMP = 15  # type << 8 | code of the first packet
ERRORS = 16  # ICMP errors about it
TUNNEL = 17  # what the first packet came through
SIDE = 18  # where side 0 begins

# each side's
PACKETS = 0
IP_BYTES = 1
BYTES = 2  # of payload; for TCP when the session ends
TCP = 3  # state | state before << 4 | closed << 8 | close put off << 9 | FINs << 16
FIRST = 4  # sequence number of the SYN, or as if there had been one
SEQUENCE = 5  # highest end of a segment, relative to FIRST
ACKED = 6  # highest acknowledgment by the other side, relative to FIRST
FINISH = 7  # end of the FIN, relative to FIRST
NEXT = 8  # end of the payload that is there without a hole, relative to FIRST
MISSED = 9  # bytes that the other side acknowledged and nobody captured
HOLES = 10  # begin and end of payload beyond a hole, three times
HOLE_COUNT = 3
SIDE_SIZE = 16
SESSION = SIDE + 2 * SIDE_SIZE

# STATUS
ENDED = 1
ORIGIN_B = 2  # side 1 opened
REASON = 2  # shift; 2 bits: 0 open, 1 timeout, 2 a new one took its place, 3 given up for want of memory
PARTIAL = 1 << 4  # began without a SYN
SEEN_A = 1 << 5  # side 0 has sent
SEEN_B = 1 << 6
BEGAN_SYN = 1 << 7  # the first packet was the opener's SYN
MORE_THAN_SYN = 1 << 8  # the opener sent an ACK, a FIN or a SYN-ACK before any RST
FLIPPED = 1 << 9  # the sides were guessed
ONE_WAY_FLOW = 1 << 10  # ICMP that has no answer

# TCP states of a side, as Zeek names them
INACTIVE, SYN_SENT, SYN_ACK_SENT, ATTACHED, ESTABLISHED, CLOSED, RESET = range(7)

# settings of the tracking kernel, nanoseconds
T_TCP, T_UDP, T_ICMP, T_OTHER, T_ATTEMPT, T_CLOSE, T_DNS = range(7)
SETTINGS = 7

# state of the tracking kernel
AT = 0  # next packet
COUNT = 1  # rows of sessions
NEXT_SERIAL = 2
NOW = 3  # latest time
DUPLICATES = 4
LOST_HOLES = 5
ATTRIBUTED = 6  # whether the last ICMP error found its session
STATE = 7

# what a payload looks like; names as Zeek has them
SERVICES = (
    "", "http", "tls", "ssh", "smtp", "ftp", "pop3", "imap", "dns", "smb", "rdp", "tftp", "quic", "sip", "ntp", "dhcp",
    "snmp", "ldap", "mysql", "postgresql", "irc", "mqtt", "bittorrent", "redis", "vnc", "dce_rpc", "xmpp", "stun",
    "dtls", "ssdp", "syslog", "radius", "kerberos", "rtsp", "modbus", "socks", "wireguard", "telnet", "netbios",
)  # fmt: skip
(
    HTTP, TLS, SSH, SMTP, FTP, POP3, IMAP, DNS, SMB, RDP, TFTP, QUIC, SIP, NTP, DHCP, SNMP, LDAP, MYSQL, POSTGRESQL,
    IRC, MQTT, BITTORRENT, REDIS, VNC, DCE_RPC, XMPP, STUN, DTLS, SSDP, SYSLOG, RADIUS, KERBEROS, RTSP, MODBUS, SOCKS,
    WIREGUARD, TELNET, NETBIOS,
) = range(1, len(SERVICES))  # fmt: skip
# hints that decide only together
GREETING = 200  # "220": SMTP or FTP
USER = 201  # "USER": FTP, POP3
# services that sessions have since a message of another one announced them (flows/expecting.py)
FTP_DATA = 202
TFTP_DATA = 203
LOOKS = 8  # payloads of a session that are looked at
