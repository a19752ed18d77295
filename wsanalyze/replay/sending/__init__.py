"""Takes a plan and a target, gives what came of each request: connections, TLS, HTTP/1.x, HTTP/2 and WebSocket as a client."""

from wsanalyze.replay.sending.results import Progress
from wsanalyze.replay.sending.sender import send
from wsanalyze.replay.sending.settings import Settings
from wsanalyze.replay.sending.tap import Handle, Tap, TapError
from wsanalyze.replay.sending.target import Target, parse_target

__all__ = ["Handle", "Progress", "Settings", "Tap", "TapError", "Target", "parse_target", "send"]
