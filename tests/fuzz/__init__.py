"""Mutated captures through every loader: no crash, no hang, no growth of memory, nothing lost in silence.

python -m tests.fuzz --count 100000          a long run; --only NUMBER does one of them again
"""
