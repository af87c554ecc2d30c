"""Records the demo captures: real programs, real network namespaces, nothing leaves the machine."""
