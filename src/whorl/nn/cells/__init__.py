"""The equation of one step of each recurrent cell, in plain PyTorch."""
