"""What a run's label maps and the truth say beyond the scores: failures and attributes of objects, for reports."""
