"""Each run is kept: its events as lines of JSON in a file of its own, which any report can be made of again."""
