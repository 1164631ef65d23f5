"""Runs a whole experiment from one file: methods by datasets by seeds by settings."""
