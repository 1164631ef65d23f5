"""It is installed, and that is all that is asked."""
