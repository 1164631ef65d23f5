"""Pixel loops as machine code: numba compiles them on first use, keeps them on disk and loads them later.

`count`, `overlap` and `unfilter` are the programs, `words` holds what the first two share, `cache` says where programs
are kept. Importing a program loads or compiles it.
"""
