"""Places in a record of p0f as a row of numbers, and in what is kept in mind for it (p0flines.py)."""

# a record; the first five are those of a session (slots.py), of which the client is side 0
A_HIGH = 0
A_LOW = 1
B_HIGH = 2
B_LOW = 3
PORTS = 4
TIME = 5  # nanoseconds of its packet
CAPTURE = 6
FIT = 7  # how well that packet fits
FORWARD = 8  # KEY (fedslots.py) of packets of the client
BACKWARD = 9  # and of the server
HOST = 10  # of the host that it is about, and its side
KIND = 11  # what makes p0f say it
WANTED = 12  # frequency in hundredths of Hz
FROM_SERVER = 13
FIELDS = 14  # begin and size of each text in the lines; begin -1: none
NAMES = (
    "mod", "subject", "os", "app", "dist", "lang", "link", "params", "raw_freq", "raw_mtu", "raw_sig", "uptime",
    "reason", "raw_hits",
)  # fmt: skip
MOD, SUBJECT, RAW_FREQ = NAMES.index("mod"), NAMES.index("subject"), NAMES.index("raw_freq")
COLUMNS = FIELDS + 2 * len(NAMES)
WORDS = tuple(int.from_bytes(name.encode().ljust(8, b"\0"), "big") for name in NAMES)
"""Names as numbers; they have eight characters at most."""

# KIND
OTHER, SYN, HTTP, UPTIME = range(4)
# FIT
UNKNOWN, LIKELY, CERTAIN = range(3)

# state of parsing
AT = 0  # where it goes on
ODD = 1  # lines that belong to no record
WHY = 2
PARSING = 3
MORE, FULL, BAD = range(3)

# a stretch of packets (engines/trail.py)
FIRST = 0  # number of its first packet
SIZE = 1  # packets
TIMES = 2  # addresses of its arrays
GIVEN = 3
CAPTURES = 4
DETAILS = 5
STRETCH = 6

# a packet that was found
F_NUMBER, F_TIME, F_GIVEN, F_CAPTURE, F_KIND, F_STAMP = range(6)
FOUND = 6

# what is kept in mind, by a hash that stands first: a flow's last packet; a host's clock, and the one before
FLOW = 1 + FOUND
H_GIVEN, H_STAMP, H_HAS_BEFORE, H_BEFORE_GIVEN, H_BEFORE_STAMP = range(1, 6)
HOST_ENTRY = 6

# state of finding packets
FLOOR = 0  # number of the packet that the last record was of
LIMIT = 1  # number of the last packet that was given
FLOW_AGE = 2  # which half of the flows is new
FLOW_COUNT = 3  # how many are in it
HOST_AGE = 4
HOST_COUNT = 5
NOT_FOUND = 6
NOT_CERTAIN = 7
FINDING = 8

LEAST_WAIT, MOST_WAIT = 25, 600_000  # milliseconds that p0f measures a clock for
LEAST_TICKS = 5
NEAR = 0.0051  # Hz: as exactly as p0f writes a frequency
