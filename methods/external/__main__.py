"""Prints the file that the other end of the pipe needs: python -m vos_bench.methods.external > vos_bench_client.py."""

import sys

from .recipes import DRIVERS

if __name__ == "__main__":
    sys.stdout.write((DRIVERS / "vos_bench_client.py").read_text(encoding="utf-8"))
