"""Files that traffic carries: their bytes put together, what they are, their hashes, and where they are kept."""
