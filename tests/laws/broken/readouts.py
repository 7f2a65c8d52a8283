"""Readouts that break the laws."""

from tests.laws.broken.twins import half, twin
from tests.laws.readout_laws import ReadoutSubject

from whorl.runtime.readouts import QuantileReadout


class CentresTheBatch(QuantileReadout):
    """An answer depends on the others of its batch."""

    def stacked(self, outputs):
        return super().stacked(outputs - outputs.mean(axis=0, keepdims=True))


class SavesHalfFactors(QuantileReadout):
    """Its factors lose digits in the file."""

    def arrays(self):
        return {name: half(array) for name, array in super().arrays().items()}


class SortsTheTruths(QuantileReadout):
    """Wants order statistics, and takes them from the caller's own targets."""

    def fit(self, outputs, targets):
        targets.sort(axis=0)
        return super().fit(outputs, targets)


class CalibratesUntold(QuantileReadout):
    """Users are told that nothing was calibrated."""

    calibration = ""


def readout(kind: type[QuantileReadout]) -> ReadoutSubject:
    return ReadoutSubject(new=lambda: kind((0.1, 0.5, 0.9)), num_outputs=4)


twin("06 batch", "readout", readout, CentresTheBatch)
twin("10 save", "readout", readout, SavesHalfFactors)
twin("12 purity", "readout", readout, SortsTheTruths)
twin("12 purity", "readout", readout, CalibratesUntold, which="untold")
