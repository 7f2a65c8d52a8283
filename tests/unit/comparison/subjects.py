"""Small data of every task, as files."""

import json

import numpy as np
import PIL.Image
import soundfile

SENTENCES = (("the", "DET"), ("dog", "NOUN"), ("runs", "VERB"), ("fast", "ADV"))


def _csv(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def hourly(folder, count=300, name="load.csv"):
    """A day's wave with noise, a row an hour."""
    noise = np.random.default_rng(0).standard_normal(count)
    times = np.datetime64("2024-01-01T00:00") + 60 * np.arange(count)
    values = 10 + 3 * np.sin(2 * np.pi * np.arange(count) / 24) + 0.3 * noise
    return _csv(folder / name, "time,load,temp", zip(times, values.round(3), noise.round(2), strict=True))


def beats(folder, count=40, steps=12, label=lambda n: ("slow", "fast")[n % 2]):
    """A long table: a label for each beat."""
    rows = [
        (f"b{n}", t, round(float(np.sin((0.4, 1.1)[n % 2] * t + n)), 3), label(n))
        for n in range(count)
        for t in range(steps)
    ]
    return _csv(folder / "beats.csv", "beat,t,x,kind", rows)


def archive(folder, count=30):
    """A file of the UCR archive."""
    rows = [[n % 2 + 1, *np.sin((0.4, 1.1)[n % 2] * np.arange(12) + n).round(3)] for n in range(count)]
    path = folder / "Waves_TRAIN.tsv"
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def tagged(folder, count=12):
    """Sentences in CoNLL-U."""
    fields = "{}\t{}\t_\t{}\t_\t_\t_\t_\t_\t_\n"
    sentence = "".join(fields.format(n, word, tag) for n, (word, tag) in enumerate(SENTENCES, 1))
    path = folder / "words.conllu"
    path.write_text("\n".join([sentence] * count) + "\n", encoding="utf-8")
    return path


def plays(folder):
    """Running text."""
    path = folder / "plays.txt"
    path.write_text("Who goes there? It is I, größer than before. Come in, then.\n" * 40, encoding="utf-8")
    return path


def pairs(folder, count=30):
    """A table of a long text and a short one a row."""
    rows = [
        (f"this is a rather long text of {n} words and more", f"text {n}", f"dies ist ein langer Text von {n} Wörtern")
        for n in range(count)
    ]
    return _csv(folder / "pairs.csv", "long,short,german", rows)


def dialogues(folder, count=12):
    """A list of turns on each line."""
    path = folder / "talk.jsonl"
    turns = [["How are you?", f"Fine, {n}.", "Good."] for n in range(count)]
    path.write_text("\n".join(map(json.dumps, turns)) + "\n", encoding="utf-8")
    return path


def shop(folder, users=30, events=12, items=20):
    """A log of what users bought."""
    rng = np.random.default_rng(0)
    rows = [(f"u{user}", f"i{rng.integers(items)}", 100 * user + n) for user in range(users) for n in range(events)]
    return _csv(folder / "shop.csv", "user_id,item_id,time", rows)


def recordings(folder, count=12):
    """A table of tones and what is said in them."""
    (folder / "sounds").mkdir(exist_ok=True)
    rows = []
    for n in range(count):
        words = [("low", "middle", "high")[(n + k) % 3] for k in range(3)]
        rates = {"low": 0.2, "middle": 0.6, "high": 1.2}
        tone = np.concatenate([np.sin(rates[word] * np.arange(2000)) for word in words])
        soundfile.write(folder / "sounds" / f"{n}.wav", 0.3 * tone, 8000)
        rows.append((f"sounds/{n}.wav", f"{' '.join(words)} take {n}"))
    return _csv(folder / "said.csv", "file,text", rows)


def pictures(folder, count=12):
    """A table of shades and what they show."""
    rows = []
    for n in range(count):
        shade = ("dark", "light")[n % 2]
        PIL.Image.fromarray(np.full((16, 16), 60 + n + 100 * (n % 2), np.uint8)).save(folder / f"{n}.png")
        rows.append((f"{n}.png", f"a {shade} wall number {n}"))
    return _csv(folder / "shown.csv", "picture,caption", rows)


# Task -> its data and what is said of them.
SUBJECTS = {
    "forecast": (hourly, {"target": "load", "horizon": 6}),
    "classify": (beats, {"target": "kind", "series": "beat", "time": "t"}),
    "regress": (beats, {"task": "regress", "target": "x", "series": "beat", "time": "t"}),
    "tag": (tagged, {}),
    "detect": (hourly, {"task": "detect", "target": "load"}),
    "generate": (plays, {}),
    "translate": (pairs, {"source": "long", "target": "german"}),
    "summarize": (pairs, {"source": "long", "target": "short"}),
    "chat": (dialogues, {}),
    "recommend": (shop, {}),
    "transcribe": (recordings, {}),
    "caption": (pictures, {}),
}
