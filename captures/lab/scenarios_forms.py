"""Takes nothing, gives the scenarios whose traffic is captured in many forms: as operators capture it."""

from __future__ import annotations

from captures.lab import traffic_forms
from captures.lab.forms import Form, Tap
from captures.lab.making import Jumped, Rotated, Shifted, Unordered
from captures.lab.network import LB_BACK, LB_FRONT, MIRRORED, Surroundings
from captures.lab.scenario import Scenario

_WEB = "tcp and (port 80 or port 443 or port 8443)"
"""What the README advises for the front; on every interface it takes both legs."""
_PORTS = {"vxlan": 4789, "geneve": 6081}


def _mirrored(protocol: str, side: str) -> Tap:
    """What the collector gets of one interface: the network identifier tells which."""
    only = f"udp dst port {_PORTS[protocol]} and udp[12:4] >> 8 = {MIRRORED[side]}"
    return Tap(f"forms/{protocol}-mirror-{side}.pcap", "collector", "mirror", only)


def _of_the_back(name: str, shows: str, made: Shifted | Jumped, clock_shift: float | None) -> Form:
    return Form(name, shows, ("front.pcap",), (made.into,), clock_shift=clock_shift, made=(made,))


_HAPROXY_FORMS = (
    Form(
        "lb-any",
        "one file of every interface of the load balancer",
        both=("forms/lb-any.pcap",),
        lb=(LB_FRONT, LB_BACK),
        taps=(Tap("forms/lb-any.pcap", "lb"),),
    ),
    Form(
        "lb-any-twice",
        "two tcpdumps on every interface, meant for front and back; both hold both legs",
        front=("forms/lb-any-twice-front.pcap",),
        back=("forms/lb-any-twice-back.pcap",),
        taps=(
            Tap("forms/lb-any-twice-back.pcap", "lb", only="tcp port 80"),
            Tap("forms/lb-any-twice-front.pcap", "lb", only=_WEB),
        ),
    ),
    Form(
        "rotated-dumpcap",
        "dumpcap begins a new file after 25 packets, in the middle of handshakes, too",
        front=("forms/rotated-dumpcap/front_*.pcapng",),
        back=("forms/rotated-dumpcap/back_*.pcapng",),
        taps=tuple(Tap(f"forms/rotated-dumpcap/{side}.pcapng", "lb", side, packets=25) for side in ("back", "front")),
    ),
    Form(
        "rotated-tcpdump",
        "files named as tcpdump -C names them, more than ten a side",
        front=("forms/rotated-tcpdump/front.pcap*",),
        back=("forms/rotated-tcpdump/back.pcap*",),
        made=tuple(Rotated(f"{side}.pcap", 25, f"forms/rotated-tcpdump/{side}.pcap") for side in ("front", "back")),
    ),
    *(
        Form(
            f"{protocol}-mirror",
            shows,
            front=(f"forms/{protocol}-mirror-front.pcap",),
            back=(f"forms/{protocol}-mirror-back.pcap",),
            taps=tuple(_mirrored(protocol, side) for side in ("back", "front")),
        )
        for protocol, shows in (
            ("vxlan", "both interfaces mirrored to a collector within VXLAN, as AWS Traffic Mirroring does"),
            ("geneve", "both interfaces mirrored to a collector within GENEVE, as NSX does"),
        )
    ),
    Form(
        "mirror-both",
        "the collector records both mirrors, in VXLAN, into one file",
        both=("forms/mirror-both.pcap",),
        lb=(LB_FRONT, LB_BACK),
        taps=(Tap("forms/mirror-both.pcap", "collector", "mirror", f"udp dst port {_PORTS['vxlan']}"),),
    ),
    Form(
        "vxlan-overlay",
        "the back leg runs within VXLAN and is captured on the network below it",
        front=("front.pcap",),
        back=("forms/vxlan-overlay-back.pcap",),
        taps=(Tap("forms/vxlan-overlay-back.pcap", "lb", "underlay", f"udp port {_PORTS['vxlan']}"),),
    ),
    Form(
        "out-of-order",
        "records out of time order by some milliseconds, as capturing threads hand them over",
        front=("forms/out-of-order-front.pcap",),
        back=("forms/out-of-order-back.pcap",),
        made=tuple(Unordered(f"{side}.pcap", 8, f"forms/out-of-order-{side}.pcap") for side in ("front", "back")),
    ),
    _of_the_back(
        "skew-seconds",
        "the back's clock is 3.7 s ahead",
        Shifted("back.pcap", 3.7, "forms/skew-seconds-back.pcap"),
        3.7,
    ),
    _of_the_back(
        "skew-microseconds",
        "the back's clock is 400 µs behind",
        Shifted("back.pcap", -0.0004, "forms/skew-microseconds-back.pcap"),
        -0.0004,
    ),
    _of_the_back(
        "clock-jump",
        "the back's clock jumps 5 s ahead in the middle",
        Jumped("back.pcap", 5.0, "forms/clock-jump-back.pcap"),
        None,
    ),
    _of_the_back(
        "clock-jump-back",
        "the back's clock jumps 2.5 s back in the middle",
        Jumped("back.pcap", -2.5, "forms/clock-jump-back-back.pcap"),
        None,
    ),
)

WITH_FORMS = (
    Scenario(
        "haproxy-forms",
        "captured as operators capture it: on every interface, rotated, mirrored, with other clocks",
        traffic_forms.FORMS,
        balancer="haproxy-http-fwd",
        around=Surroundings(mirrored=True, overlay=True),
        forms=_HAPROXY_FORMS,
    ),
)
