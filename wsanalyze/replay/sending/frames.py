"""Takes the frames that a client sent, gives them as bytes: newly masked, fragmented and compressed as they were."""

from __future__ import annotations

from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, CloseCode, Frame, Opcode

from wsanalyze.replay.model import Step


class UnsendableError(Exception):
    """No library sends such a frame; the text says why, in one line."""


class Frames:
    """The client's frames, one after the other."""

    def __init__(self, deflate: PerMessageDeflate | None) -> None:
        self._deflate = deflate
        self._compressing = False

    def masked(self, step: Step) -> bytes:
        """A frame as it goes out (RFC 6455 5.2); raises UnsendableError."""
        try:
            opcode = Opcode(step.opcode)
            if opcode in {Opcode.TEXT, Opcode.BINARY}:
                self._compressing = step.compressed and self._deflate is not None
            deflate = [self._deflate] if self._deflate is not None and self._compressing else []
            data = Frame(opcode, step.payload, step.fin).serialize(mask=True, extensions=deflate)
        except ValueError:
            raise UnsendableError(f"opcode {step.opcode} is reserved") from None
        except ProtocolError as error:
            raise UnsendableError(str(error)) from None
        if step.fin and is_data(step):
            self._compressing = False
        return data


def is_data(step: Step) -> bool:
    """Whether a frame belongs to a message (RFC 6455 5.6)."""
    return step.opcode in {Opcode.CONT, Opcode.TEXT, Opcode.BINARY}


def is_close(step: Step) -> bool:
    """Whether a frame is a Close frame."""
    return step.opcode == Opcode.CLOSE


def closing(payload: bytes) -> Close:
    """What a Close frame says, whatever it is made of (RFC 6455 7.1.5)."""
    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else CloseCode.NO_STATUS_RCVD
    return Close(code, payload[2:].decode(errors="replace"))
