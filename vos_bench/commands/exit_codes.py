"""The exit codes that several commands end with; `vos_bench.cli` lists all."""

INTERRUPTED = 130
"""A signal ended the command early; what was finished is kept. 128 + SIGINT, as shells have it."""
