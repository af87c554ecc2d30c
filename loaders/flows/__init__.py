"""From packets to flows: sessions over many captures, fragments and streams put together, pieces of sessions.

- `merging.py`  captures' packets as one sequence in the order of time
- `tracker.py`  that sequence to sessions
- `rows.py`     sessions to columns
- `ports.py`    ports that servers have, where nothing else tells who opened
"""
