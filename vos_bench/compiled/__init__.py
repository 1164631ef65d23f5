"""Pixel loops as machine code: numba compiles them on first use, keeps them on disk and loads them later.

`count` and `unfilter` are the programs, `cache` says where they are kept. Importing a program loads or compiles it.
"""
