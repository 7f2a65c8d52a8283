"""The sentences of the corpus GRID: a word of each of six lists (Cooke et al. 2006)."""

import whorl

GRAMMAR = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),  # without w, as in the corpus
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)

SENTENCES = whorl.Beam(width=10, grammar=GRAMMAR)
