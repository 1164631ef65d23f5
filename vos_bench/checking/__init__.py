"""Whether a method is what it says: properties that a score cannot show, looked at on made-up clips."""
