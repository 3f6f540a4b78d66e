"""What a caller leaves on the service's tape: a WAV file, 8 kHz, 16 bits, one channel (T-10)."""

from __future__ import annotations

import array
import io
import math
import wave

RATE = 8000
_PITCH = 440
_LOUD = 6000


def wav(silence: float, voice: float) -> bytes:
    """The file: so many seconds of silence, then so many of a hum that stands for a voice."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(b"\0\0" * round(silence * RATE))
            out.writeframes(_hum(round(voice * RATE)))
        return file.getvalue()


def _hum(samples: int) -> bytes:
    second = array.array("h", (
        round(_LOUD * math.sin(math.tau * _PITCH * n / RATE)) for n in range(RATE)))
    whole, part = divmod(samples, RATE)
    return second.tobytes() * whole + second.tobytes()[:2 * part]
