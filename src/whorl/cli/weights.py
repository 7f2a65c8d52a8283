"""The option `--weights`: how the engine keeps weight matrices, and what that costs."""

from collections.abc import Iterator, Mapping

from whorl.cli.group import SectionOption
from whorl.cli.kinds import Choice
from whorl.cli.output import option


def weights_option() -> SectionOption:
    """Returns the option for commands that run a saved model."""
    return option(
        "Engine",
        "--weights",
        type=Choice(["fp32", "bf16", "int8"]),
        default="fp32",
        help="Numbers of the weight matrices. With fewer bits a step reads fewer bytes, and the answers change a "
        "little; `whorl evaluate` prints by how much. [default: fp32]",
    )


def matrices_line(weights: str, *, rounded: int, total: int) -> str:
    """How many of all weight matrices are kept in a format."""
    if not rounded:
        return f"no weight matrix is kept in {weights}: none that feeds a recurrence is large enough to gain from it."
    return f"{rounded} of {total} weight matrices are kept in {weights}, the others in fp32."


def loss_lines(weights: str, exact: Mapping[str, float], found: Mapping[str, float]) -> Iterator[str]:
    """A table of what fewer bits change.

    Args:
        weights: the format.
        exact: scores with weights in float32.
        found: scores with that format.
    """
    yield f"what {weights} weights change:"
    yield f"  {'':16}{'fp32':>12}{weights:>12}{'change':>10}"
    for name, value in exact.items():
        yield f"  {name:16}{value:12.6g}{found[name]:12.6g}{change(value, found[name]):>10}"


def change(before: float, after: float) -> str:
    """The relative change in percent; nothing where there is nothing to relate it to."""
    return f"{after / before - 1.0:+.3%}" if before else ""
