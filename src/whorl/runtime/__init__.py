"""Running fitted models without torch.

Example:
    light = whorl.runtime.load("load.whorl")
    light.predict("new.csv")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whorl.runtime.files import load as load

__all__ = ["load"]


def __getattr__(name: str) -> object:
    if name == "load":
        from whorl.runtime.files import load

        return load
    raise AttributeError(f"whorl.runtime has no name `{name}`")
