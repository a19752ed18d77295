"""Takes nothing, gives the scenarios whose traffic is captured in many forms: as operators capture it."""

from __future__ import annotations

from captures.lab import traffic_forms
from captures.lab.forms import GOROUTER, Form, Tap
from captures.lab.making import Jumped, Merged, Rotated, Shifted, Unordered
from captures.lab.network import LB_BACK, LB_FRONT, MIRRORED, ROUTER_TO_APP, ROUTERS, Surroundings
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

_BOX, _ROUTER = (LB_FRONT, LB_BACK), (ROUTERS[0], ROUTER_TO_APP)
_ROUTER_AHEAD = Shifted("forms/gorouter-any.pcap", 0.8, "forms/gorouter-any-ahead.pcap")


def _of_two_boxes(name: str, shows: str, merged: Merged) -> tuple[Form, Form]:
    """What was recorded on the load balancer and on the router in one file, to judge each of them by."""
    ahead, made = _ROUTER_AHEAD.seconds, (_ROUTER_AHEAD, merged)
    return (
        Form(name, shows, both=(merged.into,), lb=_BOX, clock_shift=ahead, made=made),
        Form(
            f"{name}-gorouter",
            f"{shows}; the router is judged",
            both=(merged.into,),
            lb=_ROUTER,
            judged=GOROUTER,
            clock_shift=ahead,
            made=made,
        ),
    )


_GOROUTER_FORMS = (
    Form(
        "gorouter-pair",
        "the Gorouter's own two legs, a clean pair",
        front=("back.pcap",),
        back=("forms/app.pcap",),
        judged=GOROUTER,
        taps=(Tap("forms/app.pcap", "router", "app"),),
    ),
    Form(
        "gorouter-any",
        "one file of every interface of the router",
        both=("forms/gorouter-any.pcap",),
        lb=_ROUTER,
        judged=GOROUTER,
        taps=(Tap("forms/gorouter-any.pcap", "router"),),
    ),
    Form(
        "lb-any",
        "one file of every interface of the load balancer",
        both=("forms/lb-any.pcap",),
        lb=_BOX,
        taps=(Tap("forms/lb-any.pcap", "lb"),),
    ),
    *_of_two_boxes(
        "merged",
        "what load balancer and router recorded, the latter 0.8 s ahead, merged by time",
        Merged(("forms/lb-any.pcap", _ROUTER_AHEAD.into), "forms/merged.pcap"),
    ),
    *_of_two_boxes(
        "merged-pcapng",
        "the load balancer's two interfaces and all of the router's, the latter 0.8 s ahead: three interfaces, two link types",
        Merged(("front.pcap", "back.pcap", _ROUTER_AHEAD.into), "forms/merged-pcapng.pcapng"),
    ),
    *_of_two_boxes(
        "appended",
        "what load balancer and router recorded, the latter 0.8 s ahead, one after the other",
        Merged(("forms/lb-any.pcap", _ROUTER_AHEAD.into), "forms/appended.pcap", appended=True),
    ),
)

_LB2_BEHIND = Shifted("forms/one-clock/lb2-front.pcap", -0.2, "forms/lb2-front.pcap")
_ROUTER2_AHEAD = Shifted("forms/one-clock/router2-back.pcap", 1.3, "forms/router2-back.pcap")
_LB1, _ROUTER1 = "forms/lb1-front.pcap", "forms/router1-back.pcap"

_CROSSED_FORMS = (
    Form(
        "crossed",
        "a capture of each load balancer and of each router, three clocks",
        front=(_LB1, _LB2_BEHIND.into),
        back=(_ROUTER1, _ROUTER2_AHEAD.into),
        clock_shift=None,
        clocks=tuple((shifted.into, shifted.seconds) for shifted in (_LB2_BEHIND, _ROUTER2_AHEAD)),
        made=(_LB2_BEHIND, _ROUTER2_AHEAD),
    ),
    Form(
        "crossed-one-clock",
        "the same with one clock",
        front=(_LB1, _LB2_BEHIND.file),
        back=(_ROUTER1, _ROUTER2_AHEAD.file),
        taps=(
            Tap(_ROUTER1, "router", "back"),
            Tap(_ROUTER2_AHEAD.file, "router2", "back"),
            Tap(_LB1, "lb", "front"),
            Tap(_LB2_BEHIND.file, "lb2", "front"),
        ),
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
    Scenario(
        "gorouter-forms",
        "a Gorouter and its app behind the load balancer, captured on both boxes",
        traffic_forms.GOROUTER,
        balancer="haproxy-gorouter",
        around=Surroundings(app=True),
        forms=_GOROUTER_FORMS,
    ),
    Scenario(
        "crossed-forms",
        "two load balancers before two routers, each balancing to both, captured on all four boxes",
        traffic_forms.CROSSED,
        balancer="haproxy-crossed",
        around=Surroundings(twins=True),
        forms=_CROSSED_FORMS,
    ),
)
