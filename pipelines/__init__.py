"""Luigi stages from captures to tables."""
