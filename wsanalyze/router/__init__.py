"""A test router in the image of a Gorouter: takes connections, answers as the request's path asks.

`async with Router(Settings()).serve() as (host, port):` runs it in the event loop that is there already.
"""

from __future__ import annotations

from wsanalyze.router.orders import BEHAVIOURS, ROUTER_ERRORS, Behaviour
from wsanalyze.router.server import Router
from wsanalyze.router.settings import Limits, ProxyProtocol, Settings

__all__ = ["BEHAVIOURS", "ROUTER_ERRORS", "Behaviour", "Limits", "ProxyProtocol", "Router", "Settings"]
