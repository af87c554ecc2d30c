"""What a payload looks like, by its first bytes. Small tests: one that can be wrong by chance asks for several signs.

Sources: RFC 9110, 9113 (HTTP), 8446 (TLS), 4253 (SSH), 5321 (SMTP), 959 (FTP), 1939 (POP3), 9051 (IMAP), 1035 (DNS),
1002 (NetBIOS), 1350 (TFTP), 9000 (QUIC), 3261 (SIP), 5905 (NTP), 2131 (DHCP), 3417 (SNMP), 4511 (LDAP), 8489 (STUN),
2865 (RADIUS), MS-SMB2, MS-RDPBCGR, MySQL's and PostgreSQL's manuals.
"""

import numpy as np
from packetpig.loaders.kernels import slots
from packetpig.loaders.kernels.kernel import helper, inline
from packetpig.loaders.kernels.layers import be16, be32


@inline
def word(a, b, c, d):
    """Four characters as be32 reads them; they are given as numbers, since kernels have no text."""
    return (a << 24) | (b << 16) | (c << 8) | d


@helper
def holds(buf, p, n, a, b, c):
    """Whether the N bytes at P hold three bytes in a row."""
    for k in range(n - 2):  # noqa: SIM110
        if buf[p + k] == a and buf[p + k + 1] == b and buf[p + k + 2] == c:
            return True
    return False


@helper
def dns(buf, p, n):
    """Whether it is a DNS message: a header with few entries of each kind, and a name."""
    if n < 17:
        return False
    flags = be16(buf, p + 2)
    questions, answers = be16(buf, p + 4), be16(buf, p + 6)
    if (flags >> 11) & 15 > 6 or flags & 0x40 != 0 or questions > 8 or questions + answers == 0 or answers > 256:
        return False
    if be16(buf, p + 8) > 64 or be16(buf, p + 10) > 64 or (flags & 0x8000 == 0 and questions == 0):
        return False
    at = 12
    while at < n:
        size = np.int64(buf[p + at])
        if size == 0 or size >= 192:
            # then the type, and the class that is IN, ANY or one of the first four
            where = at + (1 if size == 0 else 2)
            return where + 4 > n or (be16(buf, p + where + 2) & 0x7FFF) < 5 or be16(buf, p + where + 2) == 255
        if size > 63:
            return False
        at += size + 1
    return n >= 64


@helper
def first_words(buf, p, n):
    """Protocols that begin with words, over any transport."""
    w = be32(buf, p)
    if (
        w == word(71, 69, 84, 32)  # GET
        or w == word(80, 79, 83, 84)  # POST
        or w == word(72, 69, 65, 68)  # HEAD
        or w == word(80, 85, 84, 32)  # PUT
        or w == word(68, 69, 76, 69)  # DELE
        or w == word(79, 80, 84, 73)  # OPTI
        or w == word(67, 79, 78, 78)  # CONN
        or w == word(80, 65, 84, 67)  # PATC
        or w == word(80, 82, 79, 80)  # PROP
        or w == word(84, 82, 65, 67)  # TRAC
    ):
        if holds(buf, p, min(n, 2000), 83, 73, 80) and holds(buf, p, min(n, 400), 47, 50, 46):  # SIP/2.
            return slots.SIP
        if holds(buf, p, min(n, 200), 84, 83, 80):  # RTSP
            return slots.RTSP
        # DELE of POP3 and OPTI, CONN, … are words of others: a space, a slash or more of the word must follow
        if w == word(68, 69, 76, 69) and (n < 7 or buf[p + 4] != 84):
            return 0
        return slots.HTTP
    if w == word(80, 82, 73, 32):  # PRI * HTTP/2
        return slots.HTTP
    if w == word(72, 84, 84, 80):  # HTTP
        return slots.HTTP
    if w == word(83, 83, 72, 45):
        return slots.SSH
    if w == word(83, 73, 80, 47) or w == word(73, 78, 86, 73) or w == word(82, 69, 71, 73):  # SIP/ INVI REGI
        return slots.SIP
    if w == word(82, 84, 83, 80):
        return slots.RTSP
    return slots.HTTP if other_method(buf, p, n) else 0


@helper
def other_method(buf, p, n):
    """Whether it is a request of HTTP with a rarer method: a word in capitals, a target, HTTP/1. in its line."""
    at = 0
    while at < min(n, 20) and (65 <= buf[p + at] <= 90 or buf[p + at] == 95 or buf[p + at] == 45):
        at += 1
    if at < 3 or at + 12 > n or buf[p + at] != 32:
        return False
    b = buf[p + at + 1]
    if b != 47 and b != 104 and b != 72 and b != 42:  # / h H *
        return False
    at += 1
    while at + 8 < min(n, 4000) and buf[p + at] != 10:
        if (
            (buf[p + at] == 32 or buf[p + at] == 47)
            and be32(buf, p + at + 1) == word(72, 84, 84, 80)
            and buf[p + at + 6] == 49
        ):
            return buf[p + at + 5] == 47
        at += 1
    return False


@helper
def tcp_signature(buf, p, n):
    """What N bytes at P, the first of a segment, look like."""
    if n < 4:
        return 0
    b0 = np.int64(buf[p])
    if b0 == 0x16 and buf[p + 1] == 3 and buf[p + 2] <= 4 and n >= 6 and (buf[p + 5] == 1 or buf[p + 5] == 2):
        return slots.TLS
    if n >= 10 and buf[p + 3] == 0 and buf[p + 4] == 10 and 51 <= buf[p + 5] <= 57 and buf[p + 6] == 46:
        return slots.MYSQL
    w = be32(buf, p)
    if 32 <= b0 < 127:
        found = first_words(buf, p, n)
        if found != 0:
            return found
        if w == word(69, 72, 76, 79) or w == word(72, 69, 76, 79) or w == word(76, 72, 76, 79):  # EHLO HELO LHLO
            return slots.SMTP
        if w >> 8 == word(0, 50, 50, 48) and (buf[p + 3] == 32 or buf[p + 3] == 45):  # 220
            if holds(buf, p, min(n, 120), 70, 84, 80):  # FTP
                return slots.FTP
            if holds(buf, p, min(n, 120), 77, 84, 80):  # SMTP
                return slots.SMTP
            return slots.GREETING
        if w == word(85, 83, 69, 82) and n > 5:
            return slots.USER
        if w >> 8 == word(0, 43, 79, 75):  # +OK
            return slots.POP3
        if w == word(42, 32, 79, 75):  # * OK
            return slots.IMAP
        if w == word(78, 73, 67, 75) and n > 5:  # NICK
            return slots.IRC
        if w == word(82, 70, 66, 32):
            return slots.VNC
        if w == word(60, 63, 120, 109) or w == word(60, 115, 116, 114):  # <?xm <str
            return slots.XMPP if holds(buf, p, min(n, 200), 58, 115, 116) else 0  # :st(ream)
        if b0 == 42 and 48 <= buf[p + 1] <= 57 and buf[p + 2] == 13 and n >= 6 and buf[p + 4] == 36:  # *1\r\n$
            return slots.REDIS
        if b0 == 48:
            return ldap(buf, p, n)
        return 0
    if b0 == 0x13 and n >= 20 and be32(buf, p + 1) == word(66, 105, 116, 84):  # BitT
        return slots.BITTORRENT
    if b0 == 0 and n >= 8 and (be32(buf, p + 4) == 0xFE534D42 or be32(buf, p + 4) == 0xFF534D42):
        return slots.SMB
    if b0 == 0x81 and n == be16(buf, p + 2) + 4 and buf[p + 1] == 0:
        return slots.SMB
    if b0 == 3 and buf[p + 1] == 0 and n >= 7 and be16(buf, p + 2) <= n and (buf[p + 5] == 0xE0 or buf[p + 5] == 0xD0):
        return slots.RDP
    if (
        b0 == 5
        and buf[p + 1] == 0
        and n >= 16
        and (buf[p + 2] == 11 or buf[p + 2] == 12)
        and be16(buf, p + 8) <= 1 << 15
    ):
        return slots.DCE_RPC
    if b0 == 5 and n == 2 + np.int64(buf[p + 1]) and buf[p + 1] <= 4:
        return slots.SOCKS
    if (
        b0 == 0x10
        and n >= 8
        and (be32(buf, p + 4) == word(77, 81, 84, 84) or be32(buf, p + 4) == word(77, 81, 73, 115))
    ):
        return slots.MQTT
    if b0 == 0xFF and 0xFB <= buf[p + 1] <= 0xFE:
        return slots.TELNET
    if n >= 8 and (be32(buf, p + 4) == 0x00030000 or be32(buf, p + 4) == 80877103) and w <= n:
        return slots.POSTGRESQL
    if n >= 19 and be16(buf, p) <= max(n - 2, 1400) and be16(buf, p) >= 17 and dns(buf, p + 2, n - 2):
        return slots.DNS
    if n >= 8 and be16(buf, p + 2) == 0 and be16(buf, p + 4) == n - 6 and 0 < (np.int64(buf[p + 7]) & 0x7F) < 44:
        return slots.MODBUS
    return 0


@helper
def ldap(buf, p, n):
    """LDAP: a sequence, a message number, and an operation."""
    at = 2
    size = np.int64(buf[p + 1])
    if size >= 0x80:
        at += size & 3
    if at + 5 > n or buf[p + at] != 2:
        return 0
    number = np.int64(buf[p + at + 1])
    at += 2 + number
    if 1 <= number <= 4 and at < n and 0x60 <= buf[p + at] <= 0x78 and be16(buf, p) != 0x3030:
        return slots.LDAP
    if 1 <= number <= 4 and at < n and (buf[p + at] == 0x42 or buf[p + at] == 0x4A):
        return slots.LDAP
    if number == 1 and at < n and buf[p + at] == 4:
        return slots.SNMP
    if number == 1 and at + 1 < n and buf[p + at] == 0x30 and buf[p + at - 1] == 3:
        return slots.SNMP
    return 0


@helper
def udp_signature(buf, p, n, sport, dport):
    """What N bytes at P, the payload of a datagram, look like; where bytes alone do not tell, ports break the tie."""
    if n < 4:
        return 0
    b0 = np.int64(buf[p])
    w = be32(buf, p)
    if b0 & 0xC0 == 0xC0 and n >= 20:
        version = be32(buf, p + 1)
        if (
            version == 1
            or version == 0x6B3343CF
            or version >> 8 == 0xFF0000
            or version >> 8 == 0x513034
            or (version >> 8 == 0x513035 or version & 0x0F0F0F0F == 0x0A0A0A0A)
        ):
            return slots.QUIC
    if n >= 20 and be32(buf, p + 4) == 0x2112A442 and b0 < 4 and be16(buf, p + 2) == n - 20:
        return slots.STUN
    if n >= 240 and be32(buf, p + 236) == 0x63825363 and (b0 == 1 or b0 == 2):
        return slots.DHCP
    if (dport == 547 or dport == 546) and 1 <= b0 <= 13:
        return slots.DHCP
    if 32 <= b0 < 127:
        if w == word(77, 45, 83, 69) or (w == word(78, 79, 84, 73) and holds(buf, p, min(n, 24), 84, 84, 80)):
            return slots.SSDP
        found = first_words(buf, p, n)
        if found == slots.HTTP and (sport == 1900 or dport == 1900):
            return slots.SSDP
        if found != 0:
            return found
        if b0 == 60 and 48 <= buf[p + 1] <= 57 and (buf[p + 2] == 62 or buf[p + 3] == 62 or buf[p + 4] == 62):
            return slots.SYSLOG
        if w == word(100, 49, 58, 97) or w == word(100, 49, 58, 114):
            return slots.BITTORRENT
        if b0 == 48:
            found = ldap(buf, p, n)
            if found != 0:
                return found
    if b0 == 0x16 and buf[p + 1] == 0xFE and (buf[p + 2] == 0xFD or buf[p + 2] == 0xFF) and n >= 14:
        return slots.DTLS
    if b0 == 0 and 1 <= buf[p + 1] <= 2 and n >= 8 and buf[p + n - 1] == 0 and 32 < buf[p + 2] < 127:
        if (
            holds(buf, p, n, 116, 0, 0)
            or holds(buf, p, n, 101, 116, 0)
            or holds(buf, p, n, 105, 105, 0)
            or holds(buf, p, n, 0, 98, 108)
        ):
            return slots.TFTP
        if holds(buf, p, n, 0, 111, 99) or holds(buf, p, n, 0, 110, 101):
            return slots.TFTP
    if dns(buf, p, n):
        return slots.DNS
    mode = b0 & 7
    if (
        (n == 48 or (n > 48 and (sport == 123 or dport == 123)))
        and 1 <= (b0 >> 3) & 7 <= 4
        and 1 <= mode <= 5
        and buf[p + 1] <= 16
    ):
        return slots.NTP
    if w == 0x01000000 and n == 148:
        return slots.WIREGUARD
    if n >= 20 and be16(buf, p + 2) == n and 1 <= b0 <= 13:
        return slots.RADIUS
    if (
        n > 10
        and (b0 == 0x6A or b0 == 0x6C or b0 == 0x6B or b0 == 0x6D or b0 == 0x7E)
        and holds(buf, p, min(n, 24), 2, 1, 5)
    ):
        return slots.KERBEROS
    return 0
