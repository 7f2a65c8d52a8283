"""Recurrence over tensors: the plain loop that defines correct, the faster ways, and the choice between them."""
