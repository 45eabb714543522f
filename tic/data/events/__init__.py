"""Event data: what an event camera records, made or read, as frames that a network is shown."""

from tic.data.events.camera import Camera, crossings
from tic.data.events.files import HARDVS, DailyAction, DVSGait, DVSGesture, Recordings
from tic.data.events.moving import MovingImages
from tic.data.events.recording import (
    Events,
    Sensor,
    frames_by_count,
    frames_by_time,
    window,
)
from tic.data.events.samples import EventSamples

__all__ = [
    "HARDVS",
    "Camera",
    "DVSGait",
    "DVSGesture",
    "DailyAction",
    "EventSamples",
    "Events",
    "MovingImages",
    "Recordings",
    "Sensor",
    "crossings",
    "frames_by_count",
    "frames_by_time",
    "window",
]
