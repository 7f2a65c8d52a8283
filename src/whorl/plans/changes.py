"""How examples of training are changed, each time anew. Parts of a wiring."""

import msgspec


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="augmentation"):
    """Random changes that leave the label of a series as it is.

    Args:
        warp: spread of the logarithm of the speed at which a series is read, which changes smoothly over time.
        scale: spread of a factor of each column around 1.
        noise: spread of what is added to each number, in units of the training scale.
    """

    warp: float = 0.2
    scale: float = 0.1
    noise: float = 0.03


class SoundChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="sound_change"):
    """Random changes that leave what is said in a recording as it is; made of its features.

    Args:
        speed: spread of the logarithm of a factor by which a recording is faster.
        warp: spread of the logarithm of a factor by which its frequencies are higher, as of a voice of another size
            (Jaitly & Hinton 2013, of bands and not of the spectrum).
        gain: spread of what is added to all bands at once, as of a louder voice.
        tilt: spread of what is added to the highest band and taken from the lowest, and evenly to those between, as of
            another microphone; of a cepstrum, to each coefficient of the recording.
        noise: spread of what is added to each number, in units of the training scale.
        masks: spans of time, and as many of bands, that are set to their mean (Park et al. 2019, section 2).
        time_share: of the steps that such a span has at most.
        band_share: of the bands that such a span has at most.
        bands: whether the numbers of a step are bands in their order; of a cepstrum only time is masked and changed.
    """

    speed: float = 0.15
    warp: float = 0.1
    gain: float = 0.3
    tilt: float = 0.6
    noise: float = 0.25
    masks: int = 2
    time_share: float = 0.2
    band_share: float = 0.2
    bands: bool = True


class Forgetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="forgetting"):
    """Symbols of training are read as unknown at times, so that what an unknown one means is learned.

    Args:
        rate: a symbol that training has n times is forgotten with the probability rate / (rate + n) (Kiperwasser &
            Goldberg 2016, section 4).
        least: the probability is at least this, so that no symbol is relied on alone.
    """

    rate: float = 0.25
    least: float = 0.0


class Transposition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="transposition"):
    """Pieces of music are moved up or down as a whole, each time anew, as far as the range of notes allows.

    Args:
        least: semitones at least, at most 0.
        most: semitones at most, at least 0.
    """

    least: int
    most: int


class Views(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="views"):
    """Pictures of training are seen as from elsewhere; the frames of a video are all changed alike.

    Args:
        mirror: whether left and right change places half of the time.
        shift: a picture is moved up to this share of its height and of its width; its border is repeated.
        speed: spread of the logarithm of a factor by which a video is faster.
        masks: spans of time that are set to zero, which is the mean.
        time_share: of the frames that such a span has at most.
    """

    mirror: bool = True
    shift: float = 0.06
    speed: float = 0.0
    masks: int = 0
    time_share: float = 0.0


Change = Augmentation | SoundChange | Forgetting | Transposition | Views
