"""Python functions for Pig: each module right in this folder is ready to use as `module.function(…)`.

See docs/functions.md and docs/write-your-own.md. Modules must not be named like modules of Python or of packages.
"""
