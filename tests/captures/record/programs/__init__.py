"""The small servers and clients that the recording starts inside its namespaces."""
