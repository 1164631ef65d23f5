"""The report `html`: a static site of runs that opens from disk, without a server and without a network."""
