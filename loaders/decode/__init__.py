"""Frames of a table as columns: what a loader wants of the packets that were found."""
