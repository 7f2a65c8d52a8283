"""What arrays have no values of, as tables say it of their columns."""

from collections.abc import Sequence as List

import numpy as np

from whorl.errors import DataError

# Features that are told one by one.
_MOST_TOLD = 12


def told_of_missing(arrays: List[np.ndarray], origin: str) -> list[str]:
    """Notes on features that no training sequence has a value of, and on training sequences without any.

    Args:
        arrays: of training, (T, D) each.
        origin: what messages call them.

    Raises:
        DataError: not one of their values is known.
    """
    known = [~np.isnan(np.asarray(one, np.float64)) for one in arrays]
    lost = np.flatnonzero(~np.any([one.any(axis=0) for one in known], axis=0))
    if len(lost) == known[0].shape[1]:
        raise DataError(
            f"{origin}: all values of `X` are missing in the {len(known)} sequences of the training part, so there is "
            "nothing to learn from. Bring numbers in place of NaN."
        )
    empty = sum(not one.any() for one in known)
    notes = []
    if len(lost):
        told = ", ".join(f"X[..., {n}]" for n in lost[:_MOST_TOLD].tolist())
        more = f" and {len(lost) - _MOST_TOLD} more" if len(lost) > _MOST_TOLD else ""
        notes.append(f"no values in training, so that nothing is learned of them: {told}{more}")
    if empty:
        notes.append(f"{empty} of {len(known)} training sequences have no values, but are learned from all the same")
    return notes
