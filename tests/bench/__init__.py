"""Benchmarks: speed beside a peer in the same run, and memory. `make bench` prints a table; nothing is a timed test.

Each module right in this folder with `cases(workshop)` is a group of cases: `make bench ARGS=packets`.
"""
