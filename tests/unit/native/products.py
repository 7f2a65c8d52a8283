"""Arrays for tests of the affine product."""

import numpy as np


def draw(num_rows, in_features, out_features, seed=0):
    random = np.random.default_rng(seed)
    x = random.standard_normal((num_rows, in_features), dtype=np.float32)
    weight = random.standard_normal((out_features, in_features), dtype=np.float32)
    bias = random.standard_normal(out_features, dtype=np.float32)
    return x, weight, bias


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
