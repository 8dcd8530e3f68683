"""Measurements of OpsMop beside the least that could do the same work, and beside other tools. Not tests."""
