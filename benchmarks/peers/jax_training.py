"""jax: a jitted `lax.scan`, the product of the input outside of it.

Axes: T time, B batch, I features of a step, H hidden.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from benchmarks.peers import Subject
from benchmarks.problems import problem
from benchmarks.registry import Entry
from jax import lax

Carry = tuple[jax.Array, ...]


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject."""
    made = JaxPass(entry)
    return Subject(code="jit of lax.scan and its vjp", results=made.results, call=made.call)


class JaxPass:
    """Forward, and backward to x, the initial state and all weights, in one jitted function."""

    def __init__(self, entry: Entry) -> None:
        given = problem(entry)
        self._leaves = {"x": given.x, **dict(zip(("h0", "c0"), given.state, strict=False)), **given.layer.present()}
        self._leaves = jax.tree.map(jnp.asarray, self._leaves)
        self._seeds = tuple(jnp.asarray(seed) for seed in given.seeds)
        forward = FORWARD[entry.cell]

        def both(leaves: dict[str, jax.Array], seeds: Carry) -> tuple[Carry, dict[str, jax.Array]]:
            outputs, back = jax.vjp(forward, leaves)
            return outputs, back(seeds)[0]

        self._both = jax.jit(both)

    def call(self) -> Any:
        """One pass; returns outputs and gradients when they are there."""
        return jax.block_until_ready(self._both(self._leaves, self._seeds))

    def results(self) -> dict[str, np.ndarray]:
        """Outputs, final state and gradients."""
        outputs, gradients = self.call()
        named = dict(zip(("output", "h", "c"), outputs, strict=False))
        named |= {f"grad {name}": gradient for name, gradient in gradients.items()}
        return {name: np.asarray(value) for name, value in named.items()}


def _rnn(w: dict[str, jax.Array]) -> Carry:
    gates_x = w["x"] @ w["weight_ih"].T + (w["bias_ih"] + w["bias_hh"])

    def step(carry: Carry, gates: jax.Array) -> tuple[Carry, jax.Array]:
        h = jnp.tanh(gates + carry[0] @ w["weight_hh"].T)
        return (h,), h

    final, output = lax.scan(step, (w["h0"],), gates_x)
    return output, *final


def _gru(w: dict[str, jax.Array]) -> Carry:
    gates_x = w["x"] @ w["weight_ih"].T + w["bias_ih"]
    size = w["h0"].shape[-1]

    def step(carry: Carry, a: jax.Array) -> tuple[Carry, jax.Array]:
        (h,) = carry
        u = h @ w["weight_hh"].T + w["bias_hh"]
        r, z = jnp.split(jax.nn.sigmoid(a[:, : 2 * size] + u[:, : 2 * size]), 2, axis=1)
        n = jnp.tanh(a[:, 2 * size :] + r * u[:, 2 * size :])
        h = n + z * (h - n)
        return (h,), h

    final, output = lax.scan(step, (w["h0"],), gates_x)
    return output, *final


def _lstm(w: dict[str, jax.Array]) -> Carry:
    gates_x = w["x"] @ w["weight_ih"].T + (w["bias_ih"] + w["bias_hh"])

    def step(carry: Carry, gates: jax.Array) -> tuple[Carry, jax.Array]:
        h, c = carry
        i, f, g, o = jnp.split(gates + h @ w["weight_hh"].T, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    final, output = lax.scan(step, (w["h0"], w["c0"]), gates_x)
    return output, *final


FORWARD: dict[str, Callable[[dict[str, jax.Array]], Carry]] = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}
