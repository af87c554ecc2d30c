"""Programs that look at packets themselves, as loaders: they are fed captures, and what they say becomes rows.

- `feed.py`      the captures of a sensor in the order of time, as one classic pcap; `trail.py` knows its packets again
- `process.py`   runs a program on it, and says what became of it, in a folder of `folders.py`
- `detection.py` IDS engines: `detect(captures, …)` gives alerts; `rules.py` finds rules
- `suricata.py`, `snort3.py`, `snort2.py`, `p0f.py` know one program each
- `alerts.py`    the rows of alerts, and the loaders of IDS engines
"""
