"""When a score becomes an alarm, as data."""

from dataclasses import dataclass

from whorl.errors import ArgumentError

# Rows of a buffer: the volumes take each length up to it, and each is a pass over all rows.
LONGEST_BUFFER = 10_000


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """How scores are smoothed, which of them are alarms, and how alarms are judged.

    Args:
        smooth: rows over which scores are averaged, about: a row counts (smooth - 1) / (smooth + 1) times as much as
            the one after it. 1 leaves scores as they are; a whole sequence has one mean.
        false_alarm_rate: share of normal answers that may be alarms.
        buffer: rows around an anomaly that count partly in vus_roc and vus_pr, at most 10,000. None takes the period of
            the data.
    """

    smooth: int = 10
    false_alarm_rate: float = 0.01
    buffer: int | None = None

    def __post_init__(self) -> None:
        for name, most in (("smooth", 1_000_000), ("buffer", LONGEST_BUFFER)):
            value: object = getattr(self, name)
            if name == "buffer" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ArgumentError(
                    f"`{name}` is a whole number of rows >= 1 and <= {most:,}, but is {value!r}. Change it."
                )
        rate: object = self.false_alarm_rate
        if not isinstance(rate, float) or not 0 < rate < 1:
            raise ArgumentError(f"`false_alarm_rate` is a share in (0, 1), but is {rate!r}. A hundredth is 0.01.")
