"""What loaders, Pig and the shell agree on: columns, options, filters, and how a loader is found and run."""
