"""Starts for methods of your own, which `vos-bench new-method` copies; each runs as it stands."""
