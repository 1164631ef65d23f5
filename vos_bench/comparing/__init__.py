"""Judging one run by others: verdicts, their spread over seeds, history, and what shows them to people and to CI."""
