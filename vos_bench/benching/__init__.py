"""Timing a method by the protocol: warm-up, repeats, frames in memory, the machine watched, masks that are scored."""
