"""What comes before and beside a fit: which network to try first, and how networks compare."""
