"""Answers without a unit: classes and tokens are what they are, so that nothing is multiplied or added."""

import numpy as np


class Unitless:
    """The scale and the center of one output that has no unit."""

    @property
    def scale(self) -> np.ndarray:
        """One."""
        return np.ones(1)

    @property
    def center(self) -> np.ndarray:
        """Zero."""
        return np.zeros(1)


class NamedUnitless(Unitless):
    """The same of several outputs, each of which has a name."""

    names: tuple[str, ...]

    @property
    def scale(self) -> np.ndarray:
        """Ones, (K,)."""
        return np.ones(len(self.names))

    @property
    def center(self) -> np.ndarray:
        """Zeros, (K,)."""
        return np.zeros(len(self.names))
