"""What is noted of each packet: rows of two tables, one column a packet.

TIMES (64 bits): time, place and number. PLACES (32 bits): offsets from the first byte of the frame, -1 where the
layer is not there, and the few values that finding the layers had to read anyway.
"""

# rows of the 64-bit table
TIME = 0  # nanoseconds since the epoch
POSITION = 1  # of the frame's first byte in the buffer
OFFSET = 2  # of the record in its capture
NUMBER = 3  # of the packet in its capture, from 1; -1 not known
WIDE_ROWS = 4

# rows of the 32-bit table
CAPTURED = 0  # bytes of the frame that are there
LENGTH = 1  # bytes that were on the wire
LINK_TYPE = 2
ETHERNET = 3  # offset of the Ethernet header
ETHER_TYPE = 4
VLAN = 5  # outer VLAN id
INNER_VLAN = 6
NETWORK = 7  # offset of the IP header
VERSION = 8  # 4, 6 or -1
HEADER = 9  # bytes from the IP header to the transport header
TOTAL = 10  # bytes of the IP packet, by its header
PROTOCOL = 11  # of the transport, after IPv6 extension headers
FRAGMENT = 12  # offset of the IPv6 fragment header
TRANSPORT = 13  # offset of the transport header; -1 in later fragments
TRANSPORT_END = 14  # offset of the end of what was captured of the transport
PAYLOAD = 15  # offset of the transport's payload
PAYLOAD_LENGTH = 16  # bytes of payload that the headers announce
CAPTURE = 17  # number of the capture in the job
PLACE_ROWS = 18
