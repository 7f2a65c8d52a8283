"""What a model would have earned: walking through time, deciding, trading, and beside what needs no model."""
