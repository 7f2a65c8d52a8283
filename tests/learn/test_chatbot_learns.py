"""A Chatbot beats its rivals on small synthetic dialogues, in seconds; some replies need what was said before."""

import numpy as np

import whorl

NAMES = ("Ada", "Bob", "Eve", "Max")


def dialogues(count, seed):
    """Synthetic: somebody tells a name, speaks of something else, and asks for the name."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        name, (a, b) = NAMES[draw.integers(4)], draw.integers(0, 3, 2).tolist()
        made.append([f"I am {name}.", "Hello!", f"What is {a} and {b}?", f"It is {a + b}.", "Who am I?", f"{name}."])
    return made


def test_a_chatbot_learns_what_was_said_before():
    model = whorl.Chatbot(
        context=5,
        tokens=whorl.Text(unit="word"),
        longest=40,
        dropout=0.1,
        network=whorl.Recurrent("gru", hidden_size=24),
        training=whorl.Training(epochs=12, batch_size=32, learning_rate=1e-2, seed=0, device="cpu"),
    ).fit(dialogues(160, 0), verbose=False)
    scores = model.evaluate(dialogues(20, 1))
    assert scores.metrics["nll"] < 0.6 * scores.baseline["unigram"]["nll"]
    assert scores.metrics["word_f1"] > scores.baseline["most frequent"]["word_f1"] + 0.3
    stream = model.stream()
    stream.push("I am Eve.")
    stream.push("What is 1 and 2?")
    assert stream.push("Who am I?")[0].value == ["Eve."]
