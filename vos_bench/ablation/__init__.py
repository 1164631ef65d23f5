"""Ablations: the variants of a method, trained and measured under equal conditions, as jobs that can be resumed."""
