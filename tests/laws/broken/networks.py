"""Networks of the descriptors with one thing changed after they were built."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from tests.laws.broken.cores import unseeded
from tests.laws.broken.twins import twin
from tests.laws.network_laws import NetworkSubject
from tests.laws.networks import NETWORKS, PLAIN
from torch import nn


def network(name: str, change: Callable[[Any], None], **options: Any) -> NetworkSubject:
    """A network of the descriptors with one thing changed after it was built."""
    subject = replace(NETWORKS[name](), **options)

    def new(own: NetworkSubject) -> nn.Module:
        made = subject.new(own)
        change(made)
        return made

    return replace(subject, new=new)


def with_forward(forward: Callable[..., Any]) -> Callable[[Any], None]:
    """Replaces `forward` by a function of the old one and its arguments."""

    def change(made: Any) -> None:
        made.forward = functools.partial(forward, made.forward)

    return change


def on_past(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], None]:
    return with_forward(lambda old, inputs, *rest: old({**inputs, "past": function(inputs["past"])}, *rest))


def half_state_dict(made: Any) -> None:
    old = made.state_dict
    made.state_dict = lambda: {name: tensor.half().float() for name, tensor in old().items()}


forgets_its_state = with_forward(lambda old, inputs, state=None: (old(inputs, None)[0], state))
twin("03 step", "network", network, "carried", forgets_its_state)
twin("04 split", "network", network, "carried, covariates", forgets_its_state)
reads_padding = with_forward(lambda old, inputs, lengths=None: old(inputs))
twin("05 padding", "network", lambda: network("sequence", reads_padding, past=PLAIN))
twin("06 batch", "network", network, "window, rescaled, two targets", on_past(lambda x: x - x.mean(0, keepdim=True)))
twin("07 causality", "network", network, "carried", on_past(lambda x: x - 1e-2 * x.mean(1, keepdim=True)))
twin("10 save", "network", network, "window", half_state_dict)
twin("11 seed", "network", network, "window", on_past(unseeded))
twin("12 purity", "network", network, "window", on_past(lambda x: torch.from_numpy(x.numpy().__imul__(0.5))))
twin("13 stream", "network", network, "carried", with_forward(lambda old, *given: (1.00001 * old(*given)[0], None)))
