"""whorl's native engine: a program of one recurrent layer, its buffers bound."""

from benchmarks.peers import Subject
from benchmarks.peers.stepping import into, stepper
from benchmarks.problems import problem
from benchmarks.registry import Entry

from whorl.runtime import operations as ops
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject; 'whorl fp32' keeps the weights of every entry in fp32."""
    weights = "fp32" if peer == "whorl fp32" else entry.weights
    engine = NativeEngine(program(entry), weights=weights, num_threads=entry.threads)
    bound = engine.bind([engine.open() for _ in range(entry.batch)])
    code = f"NativeEngine, {weights} weights"
    return stepper(entry, code, step=bound.step, write=into(bound.inputs["x"]), read=lambda: bound.output)


def program(entry: Entry) -> Program:
    """One recurrent layer over the stream, its h the answer."""
    made = Program()
    x = made.add(ops.Input(out="x", shape=(entry.inputs,)))
    names = {name: made.tensor(name, value) for name, value in problem(entry).layer.present().items()}
    cell = "rnn_tanh" if entry.cell == "rnn" else entry.cell
    made.output = made.add(ops.Recurrent(x=x, cell=cell, over="stream", **names))  # type: ignore[arg-type]
    return made
