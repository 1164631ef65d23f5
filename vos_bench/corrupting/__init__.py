"""Corrupts the frames of a dataset on purpose, to see how well a method bears it."""
