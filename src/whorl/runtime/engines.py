"""Which engine runs a program."""

from typing import Literal

from whorl.errors import ArgumentError, did_you_mean
from whorl.runtime.arguments import check_threads
from whorl.runtime.engine import Engine
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.lowering import refusal
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.quantised import Weights

EngineName = Literal["native", "numpy"]


def engine_for(
    program: Program,
    *,
    engine: EngineName | None = None,
    weights: Weights = "fp32",
    num_threads: int | None = None,
) -> Engine:
    """The engine that answers for a program.

    Args:
        program: what is run.
        engine: 'native' or 'numpy', the reference. None takes the native one wherever it runs the program.
        weights: 'fp32', or on the native engine 'bf16' or 'int8'; see `NativeEngine`.
        num_threads: most threads that one call uses; None takes those that the process may run on. The numpy engine
            leaves its threads to numpy.

    Raises:
        ArgumentError: the engine is unknown, does not run the program, or has no such weights.
    """
    if engine not in (None, "native", "numpy"):
        raise ArgumentError(
            f"`engine` must be 'native' or 'numpy', but is {engine!r}.{did_you_mean(str(engine), ['native', 'numpy'])}"
        )
    if engine == "native" or (engine is None and (weights != "fp32" or refusal(program) is None)):
        return NativeEngine(program, weights=weights, num_threads=num_threads)
    check_threads(num_threads)
    if weights != "fp32":
        raise ArgumentError(f"`weights` must be 'fp32' on the numpy engine, but is {weights!r}. Use engine='native'.")
    return Interpreter(program)
