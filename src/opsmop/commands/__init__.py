"""The commands of ``opsmop``, one file each: `add_options` says what a command takes, `run` does it."""
