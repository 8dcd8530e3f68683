"""The names that existing policies import."""
