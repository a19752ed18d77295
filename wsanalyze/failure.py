"""Takes nothing, gives the exception for a file that cannot be used."""

from __future__ import annotations


class CaptureError(Exception):
    """A file cannot be analysed: `file` as it was named, `message` and `hint` for people, one line each."""

    def __init__(self, file: str, message: str, hint: str = "") -> None:
        super().__init__(file, message, hint)
        self.file = file
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


def named(file: str, error: Exception) -> CaptureError:
    """The engine's error as one that names the file."""
    message, *hints = [str(argument) for argument in error.args] or ["cannot be read"]
    return CaptureError(file, message, " ".join(hint for hint in hints if hint and hint != "None"))
