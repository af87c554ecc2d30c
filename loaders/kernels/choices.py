"""Numbers of the kernel that chooses packets (choosing.py), shared with the Python that calls it."""

# a step of a condition is a row of numbers
OPERATION, KIND, HOW, CONSTANT, COUNT, FIRST = range(6)
FIELD = 8  # numbers of one field: layer, end, place in the layer, width, shift, mask, condition and its value
STEP = FIRST + 2 * FIELD  # at most two fields

# operations
COMPARE, CONST, NOT, AND, OR = range(5)

# kinds of what is compared
FIELDS, PLACE, WIDE, PORT, ADDRESS = range(5)

# how it is compared
EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, IS_NULL = range(7)

# truth
FALSE, TRUE, UNKNOWN = range(3)
DEEPEST = 31  # values on the stack

# places in the state, after the position (frame.AT)
SEEN, CHOSEN, FILLED, LONGEST, EARLIEST, LATEST = range(1, 7)
STATE_SIZE = 7
