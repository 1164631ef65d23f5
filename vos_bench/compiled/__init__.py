"""Pixel loops as machine code: compiled on first use, kept on disk, loaded without the compiler.

`programs` says what each program takes, `machine_code` makes it callable; the modules named like the programs are
source for the compiler, and nothing else imports them.
"""
