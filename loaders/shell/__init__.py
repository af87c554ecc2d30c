"""The command `packetpig`: each module right in this folder with `configure` and `run` is a subcommand."""
