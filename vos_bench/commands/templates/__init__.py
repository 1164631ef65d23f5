"""Starts for methods of one's own, which `vos-bench new-method` copies; each runs as it stands."""
