"""The way to the outside: passes frames between two links, each after the delay of its outside host."""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import time

from ..plan import OUTSIDE

ETH_P_ALL = 3
DELAYS = {socket.inet_pton(socket.AF_INET, host.ipv4): host.delay for host in OUTSIDE}
DELAYS |= {socket.inet_pton(socket.AF_INET6, host.ipv6): host.delay for host in OUTSIDE if host.ipv6}


def delay_of(frame: bytes) -> tuple[bytes, float]:
    """The outside address of a frame and its delay; ARP and neighbour discovery pass at once."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        ends = frame[26:30], frame[30:34]
    elif kind == b"\x86\xdd":
        ends = frame[22:38], frame[38:54]
    else:
        return b"", 0.0
    for end in ends:
        if end in DELAYS:
            return end, DELAYS[end]
    return b"", 0.0


def main() -> None:
    """Relay for ever. Frames of one host never overtake each other."""
    links = []
    for device in ("near0", "far0"):
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        link.bind((device, ETH_P_ALL))
        links.append(link)
    chooser = selectors.DefaultSelector()
    for number, link in enumerate(links):
        chooser.register(link, selectors.EVENT_READ, number)
    waiting: list[tuple[float, int, int, bytes]] = []
    last: dict[tuple[bytes, int], float] = {}
    count = 0
    while True:
        timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in chooser.select(timeout):
            frame, where = links[key.data].recvfrom(65535)
            if where[2] == socket.PACKET_OUTGOING:
                continue
            now = time.monotonic()
            end, delay = delay_of(frame)
            due = max(now + delay * random.uniform(1.0, 1.04), last.get((end, key.data), 0.0) + 0.00002)
            last[end, key.data] = due
            count += 1
            heapq.heappush(waiting, (due, count, 1 - key.data, frame))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, out, frame = heapq.heappop(waiting)
            try:
                links[out].send(frame)
            except OSError:
                continue


if __name__ == "__main__":
    main()
