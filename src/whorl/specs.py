"""What an array is: the hinge between codecs, which produce arrays, and networks, which read them.

A codec's array of one sequence has shape (T, spec.width); a `Picture` step has shape (c, h, w).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """Integers in [0, n): one column that holds the index of a symbol, or `length` that spell something out."""

    n: int
    length: int = 1

    @property
    def width(self) -> int:
        return self.length


@dataclass(frozen=True)
class Reals:
    """n real numbers of order one."""

    n: int

    @property
    def width(self) -> int:
        return self.n


@dataclass(frozen=True)
class Flags:
    """n columns that are 0 or 1."""

    n: int

    @property
    def width(self) -> int:
        return self.n


@dataclass(frozen=True)
class Picture:
    """One picture a step: channels, height, width."""

    c: int
    h: int
    w: int

    @property
    def width(self) -> int:
        return self.c * self.h * self.w


@dataclass(frozen=True)
class Fields:
    """Named columns side by side, in this order, in one array."""

    fields: dict[str, "Spec"]

    @property
    def width(self) -> int:
        return sum(spec.width for spec in self.fields.values())

    def offsets(self) -> dict[str, int]:
        """The first column of each field."""
        starts, at = {}, 0
        for name, spec in self.fields.items():
            starts[name] = at
            at += spec.width
        return starts


Spec = Tokens | Reals | Flags | Picture | Fields
