"""Speech as log-mel features that networks are shown as currents (T, F).

`SpokenDigits` is synthesised and always there; `HeidelbergDigits` reads files that the user brings.
"""

from tic.data.speech.changes import Speech, Spoken
from tic.data.speech.heidelberg import HeidelbergDigits
from tic.data.speech.mel import CURRENT_PER_DECIBEL, LogMel
from tic.data.speech.synthesised import SpokenDigits
from tic.data.speech.utterances import Utterances

__all__ = [
    "CURRENT_PER_DECIBEL",
    "HeidelbergDigits",
    "LogMel",
    "Speech",
    "Spoken",
    "SpokenDigits",
    "Utterances",
]
