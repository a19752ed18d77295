"""Takes nothing, gives every scenario of the corpus. A new one is a new line here, and a folder in `balancers/` if need be."""

from __future__ import annotations

from captures.lab import traffic
from captures.lab.plan import Tls
from captures.lab.scenario import Recording, RouterTls, Scenario
from captures.lab.wire import Impairment

_HTTP1 = ("http/1.1",)
_TLS12, _TLS13 = Tls("1.2", _HTTP1), Tls("1.3", _HTTP1)

_PRODUCTS = (
    Scenario("haproxy-http-fwd", "as it should be: lowercased names, pooled connections", traffic.USUAL),
    Scenario("haproxy-http-bare", "handshakes pass, nobody tells the router who the client was", traffic.FEW),
    Scenario("haproxy-tcp", "layer 4: the same bytes, no X-Forwarded-*; port 8443", traffic.ON_8443),
    Scenario("haproxy-tcp-proxy-v1", "layer 4 with a PROXY header that the router understands", traffic.FEW),
    Scenario("haproxy-tcp-proxy-v2", "the same, version 2", traffic.USUAL),
    Scenario("haproxy-delete-upgrade", "Upgrade is deleted, Connection stays", traffic.USUAL),
    Scenario("haproxy-delete-connection", "Connection is deleted, Upgrade stays", traffic.FEW),
    Scenario("haproxy-delete-both", "both are deleted", traffic.FEW),
    Scenario("haproxy-deny", "upgrades are refused with 403 by a rule", traffic.USUAL),
    Scenario("haproxy-retry", "refused handshakes are tried again on a second router", traffic.RETRIED),
    Scenario("haproxy-unreachable", "the router's port is closed", traffic.FEW, router_is_asked=False),
    Scenario("haproxy-health-check", "health checks beside the traffic", traffic.FEW),
    Scenario("haproxy-forwarded-only", "the client is named by RFC 7239 Forwarded alone", traffic.FEW),
    Scenario("haproxy-blank-xff", "X-Forwarded-For is there and blank", traffic.FEW),
    Scenario("haproxy-xff-of-lb", "X-Forwarded-For names the load balancer", traffic.FEW),
    Scenario("haproxy-proto-wss", "X-Forwarded-Proto says ws on handshakes", traffic.FEW),
    Scenario("haproxy-proto-twice", "X-Forwarded-Proto has two values", traffic.FEW),
    Scenario("haproxy-rewrite", "Host and path are rewritten", traffic.USUAL),
    Scenario("haproxy-drop-version", "Sec-WebSocket-Version is dropped", traffic.FEW),
    Scenario(
        "haproxy-router-silent",
        "the router does not answer: 504, 502 or nothing",
        traffic.SILENT_ROUTER,
        balancer="haproxy-http-fwd",
    ),
    Scenario("haproxy-drop-extensions", "Sec-WebSocket-Extensions is dropped", traffic.FEW),
    Scenario("haproxy-drop-subprotocol", "Sec-WebSocket-Protocol is dropped", traffic.FEW),
    Scenario("haproxy-strip-response", "Upgrade and Connection are deleted from the 101", traffic.FEW),
    Scenario("haproxy-pool", "back connections are shared by all clients", traffic.USUAL),
    Scenario("haproxy-quirks", "what odd clients do", traffic.QUIRKS, balancer="haproxy-http-fwd"),
    Scenario(
        "haproxy-closes",
        "the ways in which a WebSocket ends, and frames that break RFC 6455",
        traffic.CLOSES,
        balancer="haproxy-http-fwd",
    ),
    Scenario(
        "haproxy-shared-key",
        "one hard-coded key by many clients at the same time",
        traffic.SHARED_KEY,
        balancer="haproxy-http-fwd",
    ),
    Scenario(
        "haproxy-at-once",
        "handshakes in flight at the same time, Host and path rewritten",
        traffic.AT_ONCE,
        balancer="haproxy-rewrite",
    ),
    Scenario("haproxy-idle-30", "silent WebSockets are cut after 30 s", traffic.IDLE),
    Scenario("nginx-default", "HTTP/1.0 and Connection: close to the router, Host rewritten", traffic.USUAL),
    Scenario("nginx-upgrade-map", "nginx as it should be", traffic.USUAL),
    Scenario("nginx-upgrade-only", "Upgrade is sent on, Connection is not", traffic.FEW),
    Scenario("nginx-connection-only", "Connection is sent on, Upgrade is not", traffic.FEW),
    Scenario("nginx-http10-upgrade", "both are sent on, but as HTTP/1.0", traffic.FEW),
    Scenario("nginx-intercept-errors", "the router's refusals are replaced by pages of its own", traffic.USUAL),
    Scenario("nginx-connection-always", "Connection: upgrade on every request", traffic.USUAL),
    Scenario("nginx-stream", "layer 4", traffic.FEW),
    Scenario("nginx-stream-proxy-v1", "layer 4 with a PROXY header", traffic.FEW),
    Scenario("nginx-read-timeout-30", "silent WebSockets are cut after 30 s", traffic.IDLE),
    Scenario("nginx-two-routers", "a refused handshake is tried on the next router", traffic.RETRIED),
    Scenario("nginx-quirks", "what odd clients do", traffic.QUIRKS, balancer="nginx-upgrade-map"),
    Scenario("apache-default", "stripped, pooled, Host rewritten, X-Forwarded-For without -Proto", traffic.USUAL),
    Scenario("apache-websocket", "passes since it was told upgrade=websocket", traffic.USUAL),
    Scenario("varnish-default", "both headers are removed", traffic.FEW),
    Scenario("varnish-pipe", "handshakes are piped", traffic.USUAL),
    Scenario("envoy-default", "refuses upgrades itself", traffic.FEW),
    Scenario("envoy-upgrade", "passes; X-Forwarded-Proto without -For", traffic.USUAL),
    Scenario("envoy-upgrade-remote-address", "passes, with X-Forwarded-For", traffic.FEW),
    Scenario("envoy-lifetime-30", "WebSockets are cut when they are 30 s old", traffic.LIFETIME),
    Scenario("traefik", "X-Forwarded-Proto: ws on handshakes, the client's X-Forwarded-* dropped", traffic.USUAL),
    Scenario("caddy", "passes unaided, the client's X-Forwarded-* replaced", traffic.USUAL),
    Scenario("lighttpd-default", "stripped", traffic.FEW),
    Scenario("lighttpd-upgrade", "passes with Connection: close, upgrade", traffic.USUAL),
    Scenario("trafficserver-http-map", "its own 404 to handshakes, the router is never asked", traffic.FEW),
    Scenario("trafficserver-ws-map", "passes", traffic.USUAL),
    Scenario("h2o-off", "stripped", traffic.FEW),
    Scenario("h2o-on", "passes", traffic.FEW),
    Scenario("h2o-h2c", "answers 101 to Upgrade: h2c itself", traffic.H2C, balancer="h2o-on"),
    Scenario(
        "squid-default",
        "stripped; probes of its own with X-Forwarded-For: ::",
        traffic.FEW,
        recording=Recording(from_start=True),
    ),
    Scenario("nghttpx", "passes", traffic.FEW),
    Scenario("nghttpx-h2c", "answers 101 to Upgrade: h2c itself", traffic.H2C, balancer="nghttpx"),
    Scenario("lighttpd-h2c", "answers 101 to Upgrade: h2c itself", traffic.H2C, balancer="lighttpd-upgrade"),
)

_OWN = (
    Scenario("own-local", "answers 101 and never asks the router", traffic.USUAL),
    Scenario("own-rekey", "makes its own handshake with a new key", traffic.USUAL),
    Scenario("own-early", "answers 101 before it asks the router", traffic.USUAL),
    Scenario("own-reuse-key", "terminates, but with the client's key and after the router's 101", traffic.TALKING),
    Scenario("own-tcp-raw", "answers 101 and speaks raw TCP to the router", traffic.TALKING),
    Scenario("own-plain", "answers 101 and asks the router an ordinary request", traffic.FEW),
    Scenario("own-many-to-one", "one WebSocket to the router for many of clients", traffic.FEW),
    Scenario("own-retry-stripped", "tries refused handshakes again without the upgrade", traffic.USUAL),
    Scenario("own-strip-response", "takes Upgrade and Connection out of the 101", traffic.FEW),
    Scenario("own-silent", "swallows handshakes", traffic.SWALLOWED),
    Scenario("own-withhold", "answers 502 whatever the router said", traffic.FEW),
)

_RECORDED = (
    Scenario("haproxy-ipv6", "IPv6 in front for half of the clients", traffic.SIX, balancer="haproxy-http-fwd"),
    Scenario(
        "haproxy-lossy-front",
        "the front link loses, doubles and reorders frames",
        traffic.patient(traffic.USUAL),
        balancer="haproxy-http-fwd",
        impaired="front",
        impairment=Impairment(0.05, 0.05, 0.07),
    ),
    Scenario(
        "haproxy-lossy-back",
        "the back link loses, doubles and reorders frames",
        traffic.patient(traffic.USUAL),
        balancer="haproxy-http-fwd",
        impaired="back",
        impairment=Impairment(0.05, 0.05, 0.07),
    ),
    Scenario(
        "nginx-lossy-front",
        "stripped, over a front link that loses, doubles and reorders frames",
        traffic.patient(traffic.USUAL),
        balancer="nginx-default",
        impaired="front",
        impairment=Impairment(0.05, 0.05, 0.07),
    ),
    Scenario(
        "haproxy-skew-ahead",
        "the back's clock is 3.7 s ahead",
        traffic.USUAL,
        balancer="haproxy-http-fwd",
        recording=Recording(clock_shift=3.7),
    ),
    Scenario(
        "nginx-skew-behind",
        "the back's clock is an hour behind",
        traffic.USUAL,
        balancer="nginx-default",
        recording=Recording(clock_shift=-3600),
    ),
    Scenario(
        "own-early-skew",
        "a 101 too early, and clocks 12 s apart",
        traffic.USUAL,
        balancer="own-early",
        recording=Recording(clock_shift=12.0),
    ),
    Scenario(
        "haproxy-snaplen-96",
        "recorded with a snaplen of 96",
        traffic.USUAL,
        balancer="haproxy-http-fwd",
        recording=Recording(snaplen=96),
    ),
    Scenario(
        "nginx-snaplen-200",
        "recorded with a snaplen of 200",
        traffic.USUAL,
        balancer="nginx-default",
        recording=Recording(snaplen=200),
    ),
    Scenario(
        "haproxy-mid-stream", "recorded from the middle of connections", traffic.MID_STREAM, balancer="haproxy-http-fwd"
    ),
    Scenario(
        "haproxy-back-short",
        "the back's recording ends before the front's",
        traffic.CUT_SHORT,
        balancer="haproxy-http-fwd",
    ),
    Scenario(
        "nginx-any",
        "recorded with -i any",
        traffic.USUAL,
        balancer="nginx-upgrade-map",
        recording=Recording(any_interface=True),
    ),
    Scenario(
        "haproxy-lost",
        "the recording loses 3 % of the packets",
        traffic.USUAL,
        balancer="haproxy-http-fwd",
        recording=Recording(loss=0.03),
    ),
    Scenario(
        "nginx-lost",
        "stripped, and the recording loses 3 % of the packets",
        traffic.USUAL,
        balancer="nginx-default",
        recording=Recording(loss=0.03),
    ),
    Scenario(
        "proxy-v2-to-v1",
        "PROXY version 2 to a router that speaks version 1",
        traffic.FEW,
        balancer="haproxy-tcp-proxy-v2",
        router_speaks="v1",
    ),
    Scenario(
        "proxy-v1-to-none",
        "a PROXY header where none is expected",
        traffic.FEW,
        balancer="haproxy-tcp-proxy-v1",
        router_speaks="none",
    ),
    Scenario(
        "nginx-router-down", "nothing listens on the router", traffic.FEW, balancer="nginx-upgrade-map", router_up=False
    ),
)

_ENCRYPTED = (
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
    Scenario("haproxy-h2", "HTTP/2 in front, extended CONNECT; a key is made for the router", traffic.H2),
    Scenario("nginx-h2", "answers 400 to extended CONNECT", traffic.H2),
    Scenario("envoy-h2", "extended CONNECT; no key is made for the router", traffic.H2),
    Scenario("caddy-h2", "resets the stream of extended CONNECT", traffic.H2),
    Scenario("nghttpx-h2", "extended CONNECT; a key is made for the router", traffic.H2),
)

SCENARIOS = (*_PRODUCTS, *_OWN, *_RECORDED, *_ENCRYPTED)
