"""J and F by the rules of the DAVIS benchmarks."""

METRIC_VERSION = "1"
"""Changes whenever a score of the same masks could change; records with different versions are not comparable."""
