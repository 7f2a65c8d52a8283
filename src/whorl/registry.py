"""Names for things that a model file may mention.

A file can only name what is registered here; nothing is imported by name. A user registers their own before `load`.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from whorl.errors import ArgumentError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """A dictionary from public names to classes or factories, with a helpful error for unknown names."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._members: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that registers its argument under `name`."""

        def register(member: T) -> T:
            if self._members.get(name, member) is not member:
                raise ArgumentError(
                    f"The {self.what} name '{name}' is taken by {self._members[name]!r}. Choose another name."
                )
            self._members[name] = member
            return member

        return register

    def get(self, name: str) -> T:
        """Returns the member of that name; raises ArgumentError with the known names otherwise."""
        if name not in self._members:
            known = ", ".join(sorted(self._members)) or "none"
            raise ArgumentError(
                f"`{name}` is not a known {self.what}; known are: {known}.{did_you_mean(name, self._members)}"
            )
        return self._members[name]

    def name_of(self, member: T) -> str:
        """Returns the name under which a member was registered."""
        for name, candidate in self._members.items():
            if candidate is member:
                return name
        raise ArgumentError(f"`{member!r}` is not registered as a {self.what}. Register it with `add(name)`.")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def __contains__(self, name: object) -> bool:
        return name in self._members
