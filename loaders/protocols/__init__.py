"""Wire formats: one module a protocol, from bytes to values; what calls them are the parsers of loaders."""
