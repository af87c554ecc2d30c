"""Python functions for Pig: each module right in this folder is ready to use as `module.function(…)`."""
