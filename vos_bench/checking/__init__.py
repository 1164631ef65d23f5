"""Checks of properties that a method claims and a score cannot show, on made-up clips."""
