"""Makes all runs that one file names: methods by datasets by seeds by settings."""
