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
