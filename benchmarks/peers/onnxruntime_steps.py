"""ONNX Runtime: a model of one node, its buffers bound, the state handed from one buffer to the other and back."""

import numpy as np
import onnxruntime
from benchmarks.peers import Subject
from benchmarks.peers.stepping import into, stepper
from benchmarks.problems import Layer, problem
from benchmarks.registry import Entry
from onnx import TensorProto, checker, helper, numpy_helper

# torch's gates in the order of ONNX: i o f c of i f g o, and z r h of r z n.
ORDER = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}

# Both were the newest that every runtime since 1.20 reads when this was written.
OPSET, IR_VERSION = 21, 10


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = entry.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model(entry), options, providers=["CPUExecutionProvider"])
    x = np.zeros((1, entry.batch, entry.inputs), np.float32)
    names = ("h", "c") if entry.cell == "lstm" else ("h",)
    # Two sets of states: a step reads one and writes the other.
    states = [{name: np.zeros((1, entry.batch, entry.hidden), np.float32) for name in names} for _ in range(2)]
    bindings = [_binding(session, x, states[k], states[1 - k]) for k in range(2)]
    turn = 0

    def step() -> None:
        nonlocal turn
        session.run_with_iobinding(bindings[turn])
        turn = 1 - turn

    code = f"one {entry.cell.upper()} node, bound buffers"
    return stepper(entry, code, step=step, write=into(x[0]), read=lambda: states[turn]["h"][0])


def _binding(
    session: onnxruntime.InferenceSession, x: np.ndarray, before: dict[str, np.ndarray], after: dict[str, np.ndarray]
) -> onnxruntime.IOBinding:
    binding = session.io_binding()
    given = {"x": x} | {f"{name}_before": value for name, value in before.items()}
    for name, value in given.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(value))
    for name, value in after.items():
        binding.bind_ortvalue_output(f"{name}_after", onnxruntime.OrtValue.ortvalue_from_numpy(value))
    return binding


def model(entry: Entry) -> bytes:
    """The model: x (1, B, I) and the state's parts (1, B, H) in, the next state's parts out."""
    tensors = _tensors(entry, problem(entry).layer)
    state = (1, entry.batch, entry.hidden)
    names = ("h", "c") if entry.cell == "lstm" else ("h",)
    node = helper.make_node(
        entry.cell.upper(),
        inputs=["x", "W", "R", "B", "", *(f"{name}_before" for name in names)],
        outputs=["", *(f"{name}_after" for name in names)],
        hidden_size=entry.hidden,
        **({"linear_before_reset": 1} if entry.cell == "gru" else {}),
    )
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, entry.batch, entry.inputs))]
    given += [helper.make_tensor_value_info(f"{name}_before", TensorProto.FLOAT, state) for name in names]
    graph = helper.make_graph(
        [node],
        "step",
        given,
        [helper.make_tensor_value_info(f"{name}_after", TensorProto.FLOAT, state) for name in names],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(made)
    return made.SerializeToString()


def _tensors(entry: Entry, layer: Layer) -> dict[str, np.ndarray]:
    def ordered(value: np.ndarray) -> np.ndarray:
        gates = np.split(value, len(ORDER[entry.cell]))
        return np.concatenate([gates[k] for k in ORDER[entry.cell]])

    biases = np.concatenate([ordered(layer.bias_ih), ordered(layer.bias_hh)])
    return {"W": ordered(layer.weight_ih)[None], "R": ordered(layer.weight_hh)[None], "B": biases[None]}
