"""Takes nothing, gives the scenarios with TLS or HTTP/2 on a leg. A new one is a new line here, as in `scenarios`."""

from __future__ import annotations

from dataclasses import replace

from captures.lab import traffic, traffic_http2
from captures.lab.plan import Tls
from captures.lab.scenario import Recording, RouterTls, Scenario
from captures.lab.wire import Impairment

_HTTP1 = ("http/1.1",)
_TLS12, _TLS13 = Tls("1.2", _HTTP1), Tls("1.3", _HTTP1)

ENCRYPTED = (
    Scenario("haproxy-tls12", "TLS 1.2 in front", traffic.encrypted(traffic.FEW, _TLS12)),
    Scenario("haproxy-tls13", "TLS 1.3 in front", traffic.encrypted(traffic.USUAL, _TLS13)),
    Scenario(
        "haproxy-tls13-proto-http",
        "TLS in front, but X-Forwarded-Proto says http",
        traffic.encrypted(traffic.FEW, _TLS13),
    ),
    Scenario(
        "haproxy-tcp-tls",
        "layer 4, TLS from the client to the router: nobody in between can read it",
        traffic.encrypted(traffic.FEW, _TLS13),
        router_tls=RouterTls(carried=True),
    ),
    Scenario("nginx-tls12", "TLS 1.2 in front", traffic.encrypted(traffic.FEW, _TLS12), balancer="nginx-tls"),
    Scenario("nginx-tls13", "TLS 1.3 in front", traffic.encrypted(traffic.USUAL, _TLS13), balancer="nginx-tls"),
    Scenario(
        "nginx-tls13-default",
        "stripped behind TLS 1.3, HTTP/1.0 to the router",
        traffic.encrypted(traffic.USUAL, _TLS13),
        balancer="nginx-tls-default",
    ),
    Scenario(
        "haproxy-tls12-delete-upgrade",
        "Upgrade is deleted behind TLS 1.2",
        traffic.encrypted(traffic.USUAL, _TLS12),
        balancer="haproxy-tls-delete-upgrade",
    ),
    Scenario(
        "haproxy-tls13-delete-both",
        "both are deleted behind TLS 1.3",
        traffic.encrypted(traffic.FEW, _TLS13),
        balancer="haproxy-tls-delete-both",
    ),
    Scenario(
        "haproxy-tls12-rsa",
        "TLS 1.2 with the key sent under RSA, not agreed on",
        traffic.encrypted(traffic.FEW, Tls("1.2", _HTTP1, "AES128-GCM-SHA256")),
        balancer="haproxy-tls12",
    ),
    Scenario(
        "haproxy-tls12-cbc",
        "TLS 1.2 with CBC suites",
        traffic.encrypted(
            traffic.FEW, Tls("1.2", _HTTP1, "ECDHE-RSA-AES128-SHA256"), Tls("1.2", _HTTP1, "ECDHE-RSA-AES256-SHA")
        ),
        balancer="haproxy-tls12",
    ),
    Scenario(
        "haproxy-tls12-chacha",
        "TLS 1.2 with ChaCha20-Poly1305",
        traffic.encrypted(traffic.FEW, Tls("1.2", _HTTP1, "ECDHE-RSA-CHACHA20-POLY1305")),
        balancer="haproxy-tls12",
    ),
    Scenario(
        "nginx-stream-tls",
        "layer 4, TLS from the client to the router",
        traffic.encrypted(traffic.FEW, _TLS12, _TLS13),
        router_tls=RouterTls(carried=True),
    ),
    Scenario(
        "haproxy-tcp-tls-proxy-v2",
        "layer 4, a PROXY header and then TLS from the client to the router",
        traffic.encrypted(traffic.FEW, _TLS13),
        router_tls=RouterTls(carried=True, after_proxy=True),
    ),
    Scenario(
        "haproxy-reencrypt",
        "TLS 1.3 on both legs, each with keys of its own",
        traffic.encrypted(traffic.USUAL, _TLS13),
        router_tls=RouterTls(version="1.3"),
    ),
    Scenario(
        "haproxy-reencrypt-strip",
        "both are deleted between TLS and TLS",
        traffic.encrypted(traffic.FEW, _TLS13),
        router_tls=RouterTls(version="1.3"),
    ),
    Scenario(
        "nginx-reencrypt",
        "TLS 1.3 in front, TLS 1.2 to the router",
        traffic.encrypted(traffic.FEW, _TLS13),
        router_tls=RouterTls(version="1.2"),
    ),
    Scenario(
        "hitch-proxy-v2",
        "TLS is ended, the bytes inside are carried behind a PROXY header",
        traffic.encrypted(traffic.FEW, _TLS12, _TLS13),
    ),
    Scenario("stunnel-proxy", "the same, PROXY version 1", traffic.encrypted(traffic.FEW, _TLS13)),
    Scenario(
        "haproxy-tls12-resumed",
        "TLS 1.2 sessions are resumed by ticket",
        traffic.encrypted(traffic.RESUMED, replace(_TLS12, resume=True)),
        balancer="haproxy-tls12",
    ),
    Scenario(
        "haproxy-tls12-resumed-by-id",
        "TLS 1.2 sessions are resumed by session id",
        traffic.encrypted(traffic.RESUMED, replace(_TLS12, resume=True)),
        balancer="haproxy-tls12-no-tickets",
    ),
    Scenario(
        "haproxy-tls13-resumed",
        "TLS 1.3 sessions are resumed by a pre-shared key",
        traffic.encrypted(traffic.RESUMED, replace(_TLS13, resume=True)),
        balancer="haproxy-tls13",
    ),
    Scenario(
        "haproxy-tls13-lossy-front",
        "TLS 1.3 over a front link that loses, doubles and reorders frames",
        traffic.patient(traffic.encrypted(traffic.USUAL, _TLS13)),
        balancer="haproxy-tls13",
        impaired="front",
        impairment=Impairment(0.05, 0.05, 0.07),
    ),
    Scenario(
        "haproxy-tls13-lost",
        "TLS 1.3, and the recording loses 3 % of the packets",
        traffic.encrypted(traffic.USUAL, _TLS13),
        balancer="haproxy-tls13",
        recording=Recording(loss=0.03),
    ),
    Scenario(
        "haproxy-tls12-cbc-lost",
        "TLS 1.2 with CBC, and the recording loses 3 % of the packets",
        traffic.encrypted(traffic.USUAL, Tls("1.2", _HTTP1, "ECDHE-RSA-AES256-SHA384")),
        balancer="haproxy-tls12",
        recording=Recording(loss=0.03),
    ),
    Scenario(
        "nginx-tls13-lost",
        "stripped behind TLS 1.3, and the recording loses 3 % of the packets",
        traffic.encrypted(traffic.USUAL, _TLS13),
        balancer="nginx-tls-default",
        recording=Recording(loss=0.03),
    ),
    Scenario(
        "haproxy-tls13-snaplen-200",
        "TLS 1.3 recorded with a snaplen of 200",
        traffic.encrypted(traffic.FEW, _TLS13),
        balancer="haproxy-tls13",
        recording=Recording(snaplen=200),
    ),
    Scenario(
        "haproxy-tls13-mid-stream",
        "TLS 1.3 recorded from the middle of connections",
        traffic.encrypted(traffic.MID_STREAM, _TLS13),
        balancer="haproxy-tls13",
    ),
    Scenario("caddy-tls", "TLS in front", traffic.encrypted(traffic.FEW, _TLS13)),
    Scenario("traefik-tls", "TLS in front", traffic.encrypted(traffic.FEW, _TLS13)),
    Scenario("haproxy-h2", "HTTP/2 in front, extended CONNECT; a key is made for the router", traffic_http2.H2),
    Scenario("nginx-h2", "answers 400 to extended CONNECT", traffic_http2.H2),
    Scenario("envoy-h2", "extended CONNECT; no key is made for the router", traffic_http2.H2),
    Scenario("caddy-h2", "resets the stream of extended CONNECT", traffic_http2.H2),
    Scenario("nghttpx-h2", "extended CONNECT; a key is made for the router", traffic_http2.H2),
)

HTTP2 = (
    Scenario(
        "haproxy-h2-at-once",
        "the same paths at the same time, on streams and on connections",
        traffic_http2.H2_AT_ONCE,
        balancer="haproxy-h2",
    ),
    Scenario(
        "nghttpx-h2-at-once",
        "the same paths at the same time, on streams and on connections",
        traffic_http2.H2_AT_ONCE,
        balancer="nghttpx-h2",
    ),
    Scenario(
        "haproxy-h2-closes",
        "the ways in which a WebSocket over HTTP/2 ends",
        traffic_http2.over_http2(traffic.CLOSES),
        balancer="haproxy-h2",
    ),
    Scenario("haproxy-h2-quirks", "what odd HTTP/2 clients do", traffic_http2.H2_QUIRKS, balancer="haproxy-h2"),
    Scenario("nghttpx-h2-quirks", "what odd HTTP/2 clients do", traffic_http2.H2_QUIRKS, balancer="nghttpx-h2"),
    Scenario("nghttpx-h2-large", "heads that need CONTINUATION", traffic_http2.H2_LARGE, balancer="nghttpx-h2"),
    Scenario(
        "haproxy-h2-too-large",
        "heads that the load balancer does not take",
        traffic_http2.H2_LARGE,
        balancer="haproxy-h2",
    ),
    Scenario("haproxy-h2-delete-upgrade", "Upgrade is deleted behind extended CONNECT", traffic_http2.H2_MORE),
    Scenario(
        "haproxy-tcp-tls-h2",
        "layer 4: TLS with HTTP/2 inside, carried",
        traffic_http2.H2_MORE,
        balancer="haproxy-tcp-tls",
        router_tls=RouterTls(carried=True, alpn=("h2", "http/1.1")),
    ),
    Scenario(
        "haproxy-h2-reencrypt",
        "extended CONNECT in front and to the router, TLS on both legs",
        traffic_http2.H2_MORE,
        router_tls=RouterTls(alpn=("h2", "http/1.1")),
    ),
    Scenario(
        "haproxy-h2-lossy-front",
        "HTTP/2 over a front link that loses, doubles and reorders frames",
        traffic.patient(traffic_http2.H2_MORE),
        balancer="haproxy-h2",
        impaired="front",
        impairment=Impairment(0.05, 0.05, 0.07),
    ),
    Scenario(
        "haproxy-h2-lost",
        "HTTP/2, and the recording loses 3 % of the packets",
        traffic_http2.H2_MORE,
        balancer="haproxy-h2",
        recording=Recording(loss=0.03),
    ),
    Scenario(
        "haproxy-h2-mid-stream",
        "HTTP/2 recorded from the middle of connections",
        traffic_http2.over_http2(traffic.MID_STREAM),
        balancer="haproxy-h2",
    ),
    Scenario(
        "envoy-h2-client-key",
        "extended CONNECT with a key, which the router gets",
        traffic_http2.H2_KEYED,
        balancer="envoy-h2",
    ),
    Scenario("hitch-h2", "TLS is ended, the HTTP/2 inside is carried", traffic_http2.H2_MORE),
    Scenario("haproxy-h2c", "HTTP/2 by prior knowledge in front", traffic_http2.cleartext(traffic_http2.H2_MORE)),
    Scenario(
        "haproxy-tcp-h2c",
        "layer 4: HTTP/2 by prior knowledge, carried",
        traffic_http2.cleartext(traffic_http2.H2_MORE),
        balancer="haproxy-tcp",
    ),
    Scenario("haproxy-h2-back", "HTTP/1.1 in front, extended CONNECT to the router", traffic.USUAL),
    Scenario(
        "haproxy-h2-back-tls",
        "HTTP/1.1 in front, extended CONNECT to the router over TLS",
        traffic.FEW,
        router_tls=RouterTls(alpn=("h2", "http/1.1")),
    ),
    Scenario("haproxy-h2-both", "extended CONNECT in front and to the router", traffic_http2.H2_MORE),
    Scenario(
        "haproxy-h2-back-reset",
        "the router resets the streams of extended CONNECT",
        traffic.FEW,
        balancer="haproxy-h2-back",
        router_connect="reset",
    ),
    Scenario(
        "haproxy-h2-back-unknown",
        "the router does not know extended CONNECT, as Gorouter",
        traffic.FEW,
        balancer="haproxy-h2-back",
        router_connect="unknown",
    ),
    Scenario(
        "haproxy-h2-both-reset",
        "extended CONNECT in front, the router resets its streams",
        traffic_http2.H2_MORE,
        balancer="haproxy-h2-both",
        router_connect="reset",
    ),
    Scenario("envoy-h2-back", "HTTP/1.1 in front, extended CONNECT to the router", traffic.FEW),
    Scenario("envoy-h2-both", "extended CONNECT in front and to the router", traffic_http2.H2_MORE),
    Scenario(
        "envoy-h2-both-unknown",
        "the router does not know extended CONNECT, as Gorouter",
        traffic_http2.H2_MORE,
        balancer="envoy-h2-both",
        router_connect="unknown",
    ),
)
