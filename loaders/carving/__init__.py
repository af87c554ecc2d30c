"""Packets chosen out of captures, written as captures again: the way from a finding back to the evidence."""
