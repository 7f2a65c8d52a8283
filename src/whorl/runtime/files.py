"""A fitted model to a `.whorl` file and back."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from whorl.data.reader import readers
from whorl.errors import ArgumentError, ModelFileError
from whorl.plans.wiring import Wiring
from whorl.runtime import artifact
from whorl.runtime.consistency import check_parts
from whorl.runtime.engines import EngineName, engine_for
from whorl.runtime.model import Model
from whorl.runtime.program import Program
from whorl.runtime.quantised import Weights
from whorl.runtime.readouts import readouts

_SECTIONS = {"model", "program", "reader", "baselines", "card"}
# Of a model that reads a sequence whole and writes another: the side that reads.
_ENCODER = "encoder"


class _Header(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The `model` section."""

    task: str
    settings: dict[str, object]
    wiring: Wiring
    reader: str
    readout: str


def save(model: Model, path: str | Path) -> None:
    """Writes a fitted model: complete under its name, or not at all."""
    header = _Header(
        task=model.task,
        settings=dict(model.settings),
        wiring=model.wiring,
        reader=readers.name_of(type(model.reader)),
        readout=model.wiring.readout,
    )
    tensors = {f"program/{name}": value for name, value in model.engine.program.tensors.items()}
    tensors.update({f"reader/{name}": value for name, value in model.reader.arrays().items()})
    tensors.update({f"readout/{name}": value for name, value in model.readout.arrays().items()})
    if model.naive_mae is not None:
        tensors["scores/naive_mae"] = model.naive_mae
    for name, program in model.baselines.items():
        tensors.update({f"baseline/{name}/{key}": value for key, value in program.tensors.items()})
    sections = {
        "model": msgspec.json.encode(header, enc_hook=artifact.as_plain).decode(),
        "program": model.engine.program.to_json(),
        "reader": _json(model.reader.config()),
        "baselines": _json({name: program.to_json() for name, program in model.baselines.items()}),
        "card": _json(dict(model.card)),
    }
    if model.encoder is not None:
        sections[_ENCODER] = model.encoder.program.to_json()
        tensors.update({f"{_ENCODER}/{name}": value for name, value in model.encoder.program.tensors.items()})
    artifact.write(path, artifact.Artifact(sections, tensors))


def load(path: str | Path, *, weights: Weights = "fp32", engine: EngineName | None = None) -> Model:
    """Loads a model for prediction, evaluation and streams; needs no torch.

    Args:
        path: a `.whorl` file.
        weights: 'fp32', 'bf16' or 'int8': how the engine keeps weight matrices. With fewer bits a step reads fewer
            bytes, and the answers change by what rounding the weights costs.
        engine: 'native', or 'numpy', the slow reference. None takes the native one wherever it runs the program.

    Raises:
        ModelFileError: the file is damaged, foreign, or names things that are not registered.
        ArgumentError: the engine is unknown, does not run the program, or has no such weights.
    """
    loaded = artifact.read(path)
    if set(loaded.sections) - {_ENCODER} != _SECTIONS:
        raise ModelFileError(
            f"`{path}` must have the sections {sorted(_SECTIONS)}, but has {sorted(loaded.sections)}. Save it again."
        )
    parts = _split(loaded.tensors)
    scores = parts.pop("scores", {})
    groups = {name: parts.pop(name, {}) for name in ("program", "reader", "readout", "baseline")}
    reading = parts.pop(_ENCODER, {}) if _ENCODER in loaded.sections else {}
    if parts or not set(scores) <= {"naive_mae"}:
        raise ModelFileError(
            f"`{path}` holds tensors that nothing names: {sorted(parts or scores)[:5]}. Save it again."
        )
    try:
        header = msgspec.json.decode(loaded.sections["model"], type=_Header)
        if header.readout != header.wiring.readout:
            raise ModelFileError(f"`{path}` names two readouts: {header.readout} and {header.wiring.readout}.")
        reader = readers.get(header.reader).restore(artifact.section(loaded, "reader"), groups["reader"])
        readout = readouts.get(header.readout).restore(groups["readout"])
    except (msgspec.MsgspecError, ArgumentError, RecursionError) as error:
        raise ModelFileError(f"`{path}` cannot be read: {error}") from None
    program = Program.from_json(loaded.sections["program"], groups["program"])
    rivals = _baselines(artifact.section(loaded, "baselines"), _split(groups["baseline"]))
    encoder = Program.from_json(loaded.sections[_ENCODER], reading) if _ENCODER in loaded.sections else None
    check_parts(header.wiring, reader, readout, program, rivals, scores.get("naive_mae"), encoder)
    return Model(
        task=header.task,
        settings=header.settings,
        wiring=header.wiring,
        reader=reader,
        engine=engine_for(program, engine=engine, weights=weights),
        readout=readout,
        encoder=None if encoder is None else engine_for(encoder, engine=engine, weights=weights),
        baselines=rivals,
        naive_mae=scores.get("naive_mae"),
        card=artifact.section(loaded, "card"),
    )


def _baselines(section: Mapping[str, object], tensors: dict[str, dict[str, np.ndarray]]) -> dict[str, Program]:
    if not set(tensors) <= set(section) or not all(isinstance(text, str) for text in section.values()):
        raise ModelFileError("section `baselines` does not fit its tensors. Save the model again.")
    return {name: Program.from_json(str(text), tensors.get(name, {})) for name, text in section.items()}


def _split(tensors: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Groups tensors by what stands before the first slash."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, value in tensors.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = value
    return groups


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=artifact.as_plain)
