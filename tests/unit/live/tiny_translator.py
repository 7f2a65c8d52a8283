"""A translator without training: a reader fitted on a few pairs, and both sides with weights drawn by a seed."""

import torch

from whorl.codecs.text import TextCodec
from whorl.data.pair_reader import fit_pairs
from whorl.nn.encoder_decoder import EncoderDecoderNetwork
from whorl.nn.recurrent import RecurrentCore
from whorl.plans.heads import Categorical
from whorl.plans.table import Table
from whorl.plans.wiring import EncoderDecoder, Sequences, Wiring
from whorl.runtime.model import Model
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.text_readout import TextReadout

SOURCES, TARGETS = ["one two", "two", "three, one"], ["zwei eins", "Zwei.", "eins drei"]


def translator(attention="additive", longest=6, **shape):
    """Reads and writes at most six tokens."""
    shape = EncoderDecoder(attention=attention, longest=longest, embedding_size=3, **shape)
    reader = fit_pairs(
        SOURCES,
        TARGETS,
        columns=("source", "target"),
        codecs=(TextCodec(end=True), TextCodec(begin=True, end=True)),
        longest=longest,
        table=Table(),
    )
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = EncoderDecoderNetwork(
            source=reader.source_spec,
            num_targets=len(reader.classes),
            shape=shape,
            encoder=lambda size: RecurrentCore("gru", size, 4, bidirectional=shape.wait is None),
            layer=lambda size: RecurrentCore("gru", size, 5),
        ).eval()
    encoder, decoder = Program(), Program()
    network.emit_encoder(encoder)
    network.emit(decoder)
    return Model(
        task="translate",
        settings={},
        wiring=Wiring(
            pairing=Sequences(every_step=True),
            inputs="text",
            shape=shape,
            outputs="text",
            head=Categorical(),
            readout="text",
        ),
        reader=reader,
        engine=NativeEngine(decoder),
        encoder=NativeEngine(encoder),
        readout=TextReadout(),
    )
