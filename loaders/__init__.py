"""Loaders: capture bytes in, rows out. Each module right in this folder is one loader; see docs/write-your-own.md.

What they share: `contract/` (columns, filters, how a loader is run), `captures/` (file formats, where bytes come
from), `kernels/` (compiled decoding), `decode/` (frames and their columns), `shell/` (the command), `bridge/` (Pig).
"""
