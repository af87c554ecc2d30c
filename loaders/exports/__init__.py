"""Tables into databases: one module for each kind, found by being here (`bin/packetpig export`).

A module has SCHEMES, the beginnings of targets it takes, and `target(url, table)`, a context manager that gives a
function for batches of keyed rows. Writing the same row again changes nothing.
"""
