"""The encoder and the decoder with attention: what it looks at, and that its programs say what it says."""

import itertools

import numpy as np
import pytest
import torch

from whorl.nn.attention import Attention
from whorl.nn.encoder_decoder import EncoderDecoderNetwork
from whorl.nn.recurrent import RecurrentCore
from whorl.plans.wiring import EncoderDecoder
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.writing import contexts
from whorl.specs import Picture, Reals, Tokens

LENGTHS = [8, 3, 1]


def network(cell="gru", attention="dot", *, bidirectional=True, dropout=0.0, num_layers=2, **shape):
    torch.manual_seed(0)
    return EncoderDecoderNetwork(
        source=Tokens(11),
        num_targets=13,
        shape=EncoderDecoder(attention=attention, longest=9, embedding_size=6, **shape),
        encoder=lambda size: RecurrentCore(cell, size, 5, bidirectional=bidirectional, num_layers=num_layers),
        layer=lambda size: RecurrentCore(cell, size, 7),
        dropout=dropout,
    )


def batch(steps=4):
    draw = torch.Generator().manual_seed(1)
    source = torch.randint(0, 11, (3, 8, 1), generator=draw).float()
    past = torch.randint(0, 13, (3, steps, 1), generator=draw).float()
    return {"source": source, "past": past, "source_length": torch.tensor(LENGTHS).float()[:, None]}


@pytest.mark.parametrize("engine", [NativeEngine, Interpreter])
@pytest.mark.parametrize("attention", ["dot", "additive"])
@pytest.mark.parametrize(("cell", "bidirectional"), [("gru", True), ("lstm", True), ("rnn", False)])
@pytest.mark.parametrize(
    "shape", [{}, {"input_feeding": True}, {"wait": 2}, {"wait": 3, "input_feeding": True}], ids=str
)
def test_the_programs_say_what_the_network_says(cell, bidirectional, attention, shape, engine):
    wait = shape.get("wait")
    made = network(cell, attention, bidirectional=bidirectional and not wait, **shape).eval()
    inputs = batch()
    with torch.no_grad():
        wanted = made(inputs, torch.tensor([4, 4, 4])).numpy()
    encoder, decoder = Program(), Program()
    made.emit_encoder(encoder)
    made.emit(decoder)
    reads, writes = engine(encoder), engine(decoder)
    sources = [inputs["source"][n, :length].numpy() for n, length in enumerate(LENGTHS)]
    slots = [writes.open(told) for told in contexts(reads, writes, sources, wait)]
    found = writes.run({"past": inputs["past"].numpy()}, slots=slots)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    again = Program.from_json(decoder.to_json(), decoder.tensors)
    assert again.hash == decoder.hash


@pytest.mark.parametrize("engine", [NativeEngine, Interpreter])
@pytest.mark.parametrize("attention", ["dot", "additive"])
@pytest.mark.parametrize(
    ("spec", "ordered"),
    [(Reals(5), False), (Reals(5), True), (Picture(2, 9, 6), False), (Picture(1, 4, 5), True)],
    ids=str,
)
def test_the_programs_say_the_same_of_cells_frames_and_pictures(spec, ordered, attention, engine):
    torch.manual_seed(0)
    made = EncoderDecoderNetwork(
        source=spec,
        num_targets=13,
        shape=EncoderDecoder(attention=attention, longest=9, embedding_size=6, ordered=ordered),
        encoder=lambda size: RecurrentCore("gru", size, 5, bidirectional=True),
        layer=lambda size: RecurrentCore("gru", size, 7),
    ).eval()
    for name, buffer in made.named_buffers():
        if "running" in name:
            buffer.add_(torch.rand_like(buffer))
    lone = isinstance(spec, Picture) and not ordered
    lengths = [1, 1, 1] if lone else LENGTHS
    draw = torch.Generator().manual_seed(1)
    inputs = {
        "source": torch.randn(3, max(lengths), spec.width, generator=draw),
        "past": batch()["past"],
        "source_length": torch.tensor(lengths).float()[:, None],
    }
    with torch.no_grad():
        wanted = made(inputs, torch.tensor([4, 4, 4])).numpy()
        twice = {**inputs, "past": inputs["past"][[2, 0]], "source_place": torch.tensor([[2.0], [0.0]])}
        np.testing.assert_allclose(made(twice, torch.tensor([4, 4])).numpy(), wanted[[2, 0]], atol=1e-6)
        poisoned = {**inputs, "source": inputs["source"].clone()}
        for n, length in enumerate(lengths):
            poisoned["source"][n, length:] = float("nan")
        np.testing.assert_array_equal(made(poisoned, torch.tensor([4, 4, 4])).numpy(), wanted)
    encoder, decoder = Program(), Program()
    made.emit_encoder(encoder)
    made.emit(decoder)
    reads, writes = engine(encoder), engine(decoder)
    sources = [inputs["source"][n, :length].numpy() for n, length in enumerate(lengths)]
    slots = [writes.open(told) for told in contexts(reads, writes, sources)]
    found = writes.run({"past": inputs["past"].numpy()}, slots=slots)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("attention", ["dot", "additive"])
@pytest.mark.parametrize("wait", [None, 2])
def test_padding_changes_neither_answers_nor_gradients(attention, input_feeding, wait):
    made = network(attention=attention, input_feeding=input_feeding, wait=wait, bidirectional=wait is None)
    lengths = torch.tensor([4, 2, 1])
    found = []
    for poison in (0.0, float("nan")):
        inputs = batch()
        for n, (read, length) in enumerate(zip(LENGTHS, lengths.tolist(), strict=True)):
            inputs["source"][n, read:] = poison
            inputs["past"][n, length:] = poison
        made.zero_grad()
        out = made(inputs, lengths)
        real = torch.arange(4) < lengths[:, None]
        out[real].square().sum().backward()
        found.append([out[real].detach(), *(p.grad.clone() for p in made.parameters())])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("input_feeding", [False, True])
def test_a_step_depends_on_the_steps_before_it_and_on_the_whole_source(input_feeding):
    made, inputs = network(input_feeding=input_feeding).eval(), batch()
    with torch.no_grad():
        wanted = made(inputs)
        later = {**inputs, "past": inputs["past"].clone()}
        later["past"][:, 2] = (later["past"][:, 2] + 1) % 13
        torch.testing.assert_close(made(later)[:, :2], wanted[:, :2], rtol=0, atol=0)
        assert not torch.equal(made(later)[:, 2], wanted[:, 2])
        other = {**inputs, "source": inputs["source"].clone()}
        other["source"][0, 7] = (other["source"][0, 7] + 1) % 11
        assert not torch.equal(made(other)[0, 0], wanted[0, 0])
        torch.testing.assert_close(made(other)[1:], wanted[1:], rtol=0, atol=0)


@pytest.mark.parametrize("input_feeding", [False, True])
def test_a_step_knows_as_many_steps_of_the_source_as_it_waits_for_and_one_more_for_each_before_it(input_feeding):
    made, inputs = network(bidirectional=False, wait=3, input_feeding=input_feeding).eval(), batch()
    with torch.no_grad():
        wanted = made(inputs)
        for place in range(8):
            other = {**inputs, "source": inputs["source"].clone()}
            other["source"][0, place] = (other["source"][0, place] + 1) % 11
            same = [torch.equal(a, b) for a, b in zip(made(other)[0], wanted[0], strict=True)]
            assert same == [place >= t + 3 for t in range(4)]
            torch.testing.assert_close(made(other)[1:], wanted[1:], rtol=0, atol=0)


def test_every_parameter_learns():
    for attention, input_feeding in itertools.product(("dot", "additive"), (False, True)):
        made = network(attention=attention, input_feeding=input_feeding)
        made(batch(), torch.tensor([4, 4, 4]))[..., 3].sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


def test_a_step_reads_the_attentional_vector_of_the_step_before_and_learns_through_it():
    made, inputs = network(input_feeding=True), batch()
    said = []
    made.blend.register_forward_hook(lambda _, __, out: said.append(out))
    read = []
    made.lower.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    made(inputs)
    assert len(read) == 4
    torch.testing.assert_close(read[0][..., 6:], torch.zeros(3, 1, 6))
    for before, own in zip(said, read[1:], strict=False):
        torch.testing.assert_close(own[..., 6:], torch.tanh(before), rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(made(inputs)[:, 2].sum(), said[4], retain_graph=True)  # of step 0, second pass
    assert gradient.abs().sum() > 0


def test_gradients_through_input_feeding_are_those_of_finite_differences():
    made = network(attention="additive", bidirectional=False, num_layers=1, input_feeding=True).double()
    inputs, weight = {name: value.double() for name, value in batch(3).items()}, made.blend.weight
    score = torch.randn(3, 3, 1, 13, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def value():
        return (made(inputs) * score).sum()

    (gradient,) = torch.autograd.grad(value(), weight)
    for place in ((0, 0), (5, 17), (2, 11)):
        found = []
        for step in (1e-3, -1e-3):
            with torch.no_grad():
                weight[place] += step
                found.append(value().item())
                weight[place] -= step
        # Attention's softmax is in float32: noise of 1e-7 / 2e-3; the third derivative adds about as much.
        assert gradient[place].item() == pytest.approx((found[0] - found[1]) / 2e-3, abs=3e-4)


def test_sampling_feeds_the_network_its_own_words_in_training_alone():
    inputs, plain, sampled = batch(9), network(), network(sampling=0.99)
    torch.testing.assert_close(sampled.eval()(inputs), plain.eval()(inputs), rtol=0, atol=0)
    written = plain(inputs)[:, :, 0].argmax(dim=-1)
    fed = {**inputs, "past": torch.cat([inputs["past"][:, :1], written[:, :-1, None].float()], dim=1)}
    torch.manual_seed(3)
    made = sampled.train()(inputs)
    assert not torch.equal(made, plain(inputs))
    steps = torch.isclose(made, plain(fed), atol=1e-6).all(dim=-1).all(dim=-1)
    assert steps[:, :2].all()  # later ones are written from what was written


def test_attention_is_a_mean_of_real_rows():
    torch.manual_seed(0)
    for function in ("dot", "additive"):
        attention = Attention(3, 4, function)
        rows = torch.ones(2, 5, 4) * torch.tensor([2.0, -1.0])[:, None, None]
        real = torch.arange(5) < torch.tensor([[5], [1]])
        found = attention(torch.randn(2, 6, 3), rows, real[:, None])
        torch.testing.assert_close(found, rows[:, :1].expand(2, 6, 4))


def test_dropout_acts_in_training_alone():
    made, inputs = network(dropout=0.5), batch()
    assert not torch.equal(made(inputs), made(inputs))
    made.eval()
    torch.testing.assert_close(made(inputs), made(inputs), rtol=0, atol=0)
