"""Tests: the same tree as the code; golden outputs are in `golden/`."""
