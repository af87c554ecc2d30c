"""Places in the rows of running numbers of a session, from which its features are made: whole ones and others.

Side 0 and 1 are as in a session's row (slots.py); a place of side 1 is the next one.
"""

# whole numbers
L_LAST = 0  # time of the packet before, nanoseconds
L_LASTS = 1  # of each side's
L_FIRSTS = 3  # time of each side's first packet
L_COUNTS = 5  # packets of each side
L_DATA = 7  # packets with payload
L_BYTES = 9  # bytes of the first payload
L_ENTROPY = 11  # of the first payload, 1/16 bits a byte
L_FLAGS = 13  # packets with FIN, SYN, RST, PSH, ACK, URG
LONGS = 19

# means and sums of squared distances from them, in one pass (Welford, 1962)
D_SIZE = 0  # bytes of IP packets, of each side: mean
D_SIZE_SQUARES = 2
D_SIZE_MOST = 4
D_GAPS = 6  # seconds between packets of each side
D_GAPS_SQUARES = 8
D_GAP = 10  # seconds between packets of both
D_GAP_SQUARES = 11
D_GAP_LEAST = 12
D_GAP_MOST = 13
DOUBLES = 14
