"""Places in the rows of DNS messages and records, as the kernel and the Python that calls it know them."""

# a message's row
M_ADDRESS, M_LENGTH = 0, 1
M_KIND = 2  # bits below
MESSAGE = 3
MULTICAST = 1  # the top bit of a class is a flag (RFC 6762, 10.2, 18.12)
GUESSED = 2  # only the port says that it is DNS

# a record's row
R_MESSAGE = 0  # which message, by its row
R_HEAD = 1  # id << 16 | flags
R_SECTION = 2  # 0 to 3; -1: the message has no record
R_TYPE = 3
R_CLASS = 4
R_TTL = 5  # -1: a question
R_CODE = 6  # the response code, with the bits that OPT adds; -1: a query
R_DATA = 7  # offset of the data in the message
R_SIZE = 8
R_FORM = 9
R_NAMED = 10  # whether the name is known
RECORD = 11
FORM_NONE, FORM_TEXT, FORM_OTHER = 0, 1, 2

# the state of the kernel
AT_MESSAGE, AT_BYTE, AT_SECTION, AT_RECORD, CODE, GIVEN, ROWS, NAMES_END, DATA_END, STATE = range(10)

# what went wrong, counted
SHORT, BAD_NAME, CUT_RECORD, BAD_DATA, NOT_DNS, LEFT_OVER, PROBLEMS = range(7)

OPT = 41

# what to give
OPT_ROWS, NAMES, DATA = 1, 2, 4
