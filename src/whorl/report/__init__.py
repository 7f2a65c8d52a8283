"""A fitted model on one page: what it learned, how wrong it is and where, and what its memory does."""
