"""Numbers that the kernels share with the Python that calls them: places, states, reasons.

What is noted of each packet are rows of two tables, one column a packet.
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
ETH_DST = 3  # offsets of the link layer's addresses
ETH_SRC = 4
ETHER_TYPE = 5
VLAN = 6  # outer VLAN id
INNER_VLAN = 7
NETWORK = 8  # offset of the IP header
VERSION = 9  # that the IP header says; neither 4 nor 6: NETWORK is -1
HEADER = 10  # bytes from the IP header to the transport header
TOTAL = 11  # bytes of the IP packet, by its header
PROTOCOL = 12  # of the transport, after IPv6 extension headers
FRAGMENT = 13  # offset of the IPv6 fragment header
TRANSPORT = 14  # offset of the transport header; -1 in later fragments
TRANSPORT_END = 15  # offset of the end of what was captured of the transport
PAYLOAD = 16  # offset of the transport's payload
PAYLOAD_LENGTH = 17  # bytes of payload that the headers announce, and the frame had on the wire
TUNNEL = 18  # what the noted packet came through: codes below, 4 bits each, the outermost lowest; -1 no tunnel
CAPTURE = 19  # number of the capture in the job
PLACE_ROWS = 20

# kinds of tunnels; TUNNELS has their names
IPIP, IP6IN4, IP4IN6, IP6IN6, GRE, ERSPAN, VXLAN, GENEVE, GTP, TEREDO, MPLS, L2TP = range(1, 13)
TUNNELS = ("", "ipip", "6in4", "4in6", "6in6", "gre", "erspan", "vxlan", "geneve", "gtp", "teredo", "mpls", "l2tp")

# link types whose frames are understood, as tcpdump.org numbers them
LINK_TYPES = (
    0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 109, 113, 117, 119, 127, 163, 192, 204, 219, 228, 229, 239, 258, 276,
)  # fmt: skip

# why a kernel that reads records came back
FULL = 0  # no room for another packet
MORE = 1  # the record at the position is not whole yet
STOP = 2  # the position is at or past the stop
BAD = 3  # what stands at the position cannot be a record
WHOLE = -1  # nothing of these: the record at the position is whole
OTHER = 4  # a pcapng block that describes packets: for Python to read

# places in the state of a kernel that reads records
AT = 0  # position in the buffer
ROW = 1  # packets noted so far
PACKET = 2  # packets of this capture so far; -1: not known
STATE_SIZE = 3

# columns of the table of a pcapng section's interfaces
IF_LINK_TYPE = 0
IF_SCALE = 1  # how a time becomes nanoseconds: power of ten (0 and up: multiply; below: divide), or
IF_BINARY = 2  # the power of two of its units a second, when this is not negative
IF_OFFSET = 3  # seconds to add
IF_SNAPLEN = 4
IF_COLUMNS = 5

# the chain of records that marks the first one of a split
CHAIN_BYTES = 300_000  # longer than any ordinary frame: a chain that holds so far is not one inside a payload
CHAIN_RECORDS = 8
