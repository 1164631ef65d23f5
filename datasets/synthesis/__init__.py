"""The synthetic video of the `demo` dataset: photographs cut out, moved and composed in integers."""
