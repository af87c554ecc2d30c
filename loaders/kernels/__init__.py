"""The hot path: decoding that is compiled when Packetpig is set up, and only called at run time.

A kernel is a Python function over pointers and numbers, marked with `@kernel`. `build.py` compiles all of them with
numba into one shared library (`compiled/kernels.so`), which `native.py` calls through ctypes: at run time nothing is
compiled, numba is not imported, and other threads go on meanwhile.

- `records.py` finds the packets in pcap and pcapng bytes, and the first record of a split
- `layers.py`  walks a frame from the link layer to the transport payload, and notes where each layer is
- `links.py`   knows the link layers; `tunnels.py` goes on into tunnels, for whoever asks
- `fields.py`  turns header fields at those places into columns
- `texts.py`   turns addresses into text, each distinct one once
- `choosing.py` chooses packets by their fields as they are found, and copies them; `choices.py` has its numbers
- `flows.py`   computes Community IDs
- `frame.py`   names the places that are noted for each packet
"""
