"""Which network to use: several of them fitted to the same data, and what is said of data before any is."""
