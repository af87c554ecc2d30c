"""Captures: where their bytes come from, how they are compressed, and which format they have."""
