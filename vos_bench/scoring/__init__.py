"""Scores label maps on disk against the truth: frame by frame, sequence by sequence, several at a time."""
