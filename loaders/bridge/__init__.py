"""The processes that Pig starts, and what the build tells Pig of loaders and functions (docs/bridge.md)."""
