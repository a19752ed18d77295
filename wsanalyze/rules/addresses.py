"""Takes addresses as load balancers write them, gives them in a form that can be compared; any text is taken."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
LONGEST = 64
"""Characters of the longest address, with brackets, zone and port; more is none."""


def address(value: object) -> Address | None:
    """The address of `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`; None for all else.

    An IPv4 address that is mapped into IPv6 is that IPv4 address (RFC 4291 2.5.5.2); a zone does not count.
    """
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    host = value.strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found


def listed(value: object) -> list[str]:
    """The elements of an X-Forwarded-For header, the client's first, without blanks around them and without empty ones."""
    if not isinstance(value, str):
        return []
    return [element for part in value.split(",") if (element := part.strip())]
