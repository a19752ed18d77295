"""The tables that the engine gives and everything else reads: every column with its type, unit and meaning.

Takes nothing, gives the names. Column names are public: notebooks and rules use them. The engine's Arrow
tables carry exactly these columns, in this order; a test holds the two together. Times are nanoseconds since the
epoch, UTC. Frame numbers count from 1, as Wireshark shows them, and go on through the files of a side
(`tables.Frames` tells the file, and the number in it). "Client" is who opened the connection, so on the
front the client and the load balancer, on the back the load balancer and the router.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    """Arrow type:
    `u16`, `u32`, `u64`, `i64`, `bool`, `frame` (u64), `time` (timestamp[ns, UTC]), `text`, `bytes`, `frames` (list<u64>), `texts` (list<text>)."""
    meaning: str
    unit: str | None = None


def _c(name: str, type_: str, meaning: str, unit: str | None = None) -> Column:
    return Column(name, type_, meaning, unit)


CAPTURES: Final = (
    _c("capture", "u32", "number of the capture that the file is a part of: one vantage point, in one or more files"),
    _c("file", "text", "the file as it was named on the command line, or found in what was named there"),
    _c("format", "text", "`pcap` or `pcapng`, with `+gzip` or `+zstd` when compressed"),
    _c("link_types", "text", "LINKTYPE numbers of the interfaces, joined by commas"),
    _c("snaplen", "u32", "largest number of bytes kept of a packet; 0 when not limited or not said", "bytes"),
    _c("packets", "u64", "packet records read"),
    _c("bytes", "u64", "captured bytes of all packets", "bytes"),
    _c("segments", "u64", "packets that held a TCP segment"),
    _c("first", "time", "time of the earliest packet"),
    _c("last", "time", "time of the latest packet"),
    _c("out_of_order", "u64", "packets with a time earlier than that of the packet before"),
    _c("truncated", "u64", "packets cut by the snaplen"),
    _c("dropped", "u64", "packets that the capturing program says it lost; null when it does not say"),
    _c("undecoded", "u64", "packets that could not be decoded: unknown link type or malformed headers"),
    _c(
        "cut_at",
        "u64",
        "offset in the (decompressed) file at which reading had to stop; null for a whole file",
        "bytes",
    ),
    _c("problems", "texts", "what is wrong with the file, one sentence each"),
    _c(
        "frames", "u64", "frames as Wireshark numbers them: the packets, and blocks that it counts though they are none"
    ),
    _c(
        "tunnels",
        "text",
        "how many of `segments` came in tunnels, by kind (`vxlan`, `geneve`, `gre`, `erspan`, `gtp-u`, `ip-in-ip`), such as "
        "`vxlan: 120, geneve: 3`; one in several counts for each of their kinds; null without any",
    ),
    _c("application", "text", "the program that wrote the file, as pcapng files say (`shb_userappl`); null otherwise"),
)

CONNECTIONS: Final = (
    _c("connection", "u32", "number of the connection in its capture, in order of the first packet"),
    _c("client_address", "text", "IP address of the side that opened it"),
    _c("client_port", "u16", "TCP port of the side that opened it"),
    _c("server_address", "text", "IP address of the side that accepted it"),
    _c("server_port", "u16", "TCP port of the side that accepted it"),
    _c("first", "time", "time of the first packet"),
    _c("last", "time", "time of the last packet"),
    _c("first_frame", "frame", "frame of the first packet"),
    _c("last_frame", "frame", "frame of the last packet"),
    _c(
        "opened",
        "text",
        "`established` (SYN and its answer seen), `unanswered` (SYN only), `refused` (SYN answered by RST), `mid-stream`",
    ),
    _c("ended", "text", "`fin`, `rst`, or null while it was still open when the capture ended"),
    _c("ended_by", "text", "`client` or `server`: who sent the first FIN or the RST; null when open"),
    _c("end_time", "time", "time of the first FIN or of the RST"),
    _c("end_frame", "frame", "frame of the first FIN or of the RST"),
    _c("client_packets", "u64", "packets sent by the client"),
    _c("server_packets", "u64", "packets sent by the server"),
    _c("client_bytes", "u64", "stream bytes of the client that were captured", "bytes"),
    _c("server_bytes", "u64", "stream bytes of the server that were captured", "bytes"),
    _c("client_gaps", "u32", "holes in the client's stream: bytes that went by but are not in the capture"),
    _c("server_gaps", "u32", "holes in the server's stream"),
    _c("client_gap_bytes", "u64", "bytes missing in the client's stream", "bytes"),
    _c("server_gap_bytes", "u64", "bytes missing in the server's stream", "bytes"),
    _c("client_retransmissions", "u32", "segments of the client that carried nothing new"),
    _c("server_retransmissions", "u32", "segments of the server that carried nothing new"),
    _c("duplicates", "u32", "packets that the capture holds twice"),
    _c("conflicts", "u32", "retransmitted bytes that differ from those seen first"),
    _c(
        "protocol",
        "text",
        "what the bytes are, decrypted where they could be: `http/1`, `http/2`, `tls`, `unknown`; null when there were none",
    ),
    _c("websocket", "bool", "the connection became a WebSocket"),
    _c("tls_version", "text", "version that the server chose, or else the highest that the client offered"),
    _c("tls_sni", "text", "server name of the ClientHello"),
    _c("tls_alpn", "text", "application protocols: the chosen one, or else the offered ones joined by commas"),
    _c("tls_cipher", "text", "cipher suite that the server chose, by its registered name"),
    _c("tls_client_random", "bytes", "random of the ClientHello, by which key logs name the connection", "bytes"),
    _c("tls_resumed", "bool", "an earlier TLS session was resumed; null where the handshake does not tell"),
    _c("tls_alerts", "texts", "alerts that could be read, as `client:name` or `server:name` (RFC 8446 6)"),
    _c(
        "tls_decryption",
        "text",
        "`decrypted`; `client-only`, `server-only` (a key for that direction alone); or why not: `no-key`, `wrong-key`, "
        "`unsupported-cipher`, `unsupported-version`, `handshake-not-captured`; null where there is nothing to decrypt",
    ),
    _c(
        "http2_connect_protocol",
        "bool",
        "the server's SETTINGS allow extended CONNECT (RFC 8441 3); null unless HTTP/2, or where they were not captured",
    ),
    _c("proxy_version", "u16", "version of the PROXY protocol header before the stream: 1 or 2; null without one"),
    _c("proxy_source_address", "text", "client address that the PROXY header names"),
    _c("proxy_source_port", "u16", "client port that the PROXY header names"),
    _c(
        "client_digest",
        "u64",
        "hash of the first 256 bytes of the client's stream after a PROXY header; null for shorter or damaged starts",
    ),
    _c(
        "server_digest", "u64", "hash of the first 256 bytes of the server's stream; null for shorter or damaged starts"
    ),
    _c("client_prefix", "bytes", "first 32 bytes of the client's stream after a PROXY header", "bytes"),
    _c("longest_idle", "i64", "longest time without any packet", "ns"),
    _c("exchanges", "u32", "HTTP exchanges on this connection"),
    _c(
        "client_isn", "u32", "initial sequence number of the client (RFC 9293 3.4); null where its SYN was not captured"
    ),
    _c("server_isn", "u32", "initial sequence number of the server; null where its SYN was not captured"),
    _c("capture", "u32", "number of the capture that holds it"),
)

EXCHANGES: Final = (
    _c("exchange", "u32", "number of the exchange in its capture"),
    _c("connection", "u32", "its connection"),
    _c("position", "u32", "0 for the first exchange of the connection"),
    _c("request_first", "time", "time of the first byte of the request; null when no request was captured"),
    _c("request_last", "time", "time when the request's head was complete"),
    _c("request_frames", "frames", "frames that carry the request's head"),
    _c(
        "request_state",
        "text",
        "`complete`, `gap` (packets missing), `truncated` (snaplen), `cut` (stream ended); null: no request captured",
    ),
    _c("response_first", "time", "time of the first byte of the final response"),
    _c("response_last", "time", "time when the final response's head was complete"),
    _c("response_frames", "frames", "frames that carry the final response's head"),
    _c(
        "response_state",
        "text",
        "as request_state; null: no final response seen; `missing`: it is hidden by a hole in the server's stream",
    ),
    _c("method", "text", "request method"),
    _c("target", "text", "request-target verbatim (RFC 9112 3.2), or `:path`"),
    _c("host", "text", "Host header, or `:authority`"),
    _c("version", "text", "`1.0`, `1.1` or `2`: HTTP version of the request"),
    _c("status", "u16", "status code of the final response"),
    _c("response_version", "text", "HTTP version of the response"),
    _c("interim", "u16", "1xx responses before the final one, 101 not counted"),
    _c("request_upgrade", "text", "Upgrade header of the request, lines joined by commas (so are all headers below)"),
    _c("request_connection", "text", "Connection header of the request"),
    _c("sec_websocket_key", "text", "Sec-WebSocket-Key"),
    _c("sec_websocket_version", "text", "Sec-WebSocket-Version of the request"),
    _c("sec_websocket_protocol", "text", "subprotocols offered"),
    _c("sec_websocket_extensions", "text", "extensions offered"),
    _c("origin", "text", "Origin header"),
    _c("user_agent", "text", "User-Agent header"),
    _c("x_forwarded_for", "text", "X-Forwarded-For as received"),
    _c("x_forwarded_proto", "text", "X-Forwarded-Proto as received"),
    _c("forwarded", "text", "Forwarded (RFC 7239)"),
    _c("via", "text", "Via header of the request"),
    _c("x_request_id", "text", "X-Request-Id of the request"),
    _c("traceparent", "text", "traceparent (W3C trace context)"),
    _c("x_amzn_trace_id", "text", "X-Amzn-Trace-Id"),
    _c("x_b3_traceid", "text", "X-B3-TraceId"),
    _c("response_upgrade", "text", "Upgrade header of the response"),
    _c("response_connection", "text", "Connection header of the response"),
    _c("sec_websocket_accept", "text", "Sec-WebSocket-Accept"),
    _c("response_sec_websocket_protocol", "text", "subprotocol chosen"),
    _c("response_sec_websocket_extensions", "text", "extensions accepted"),
    _c("x_cf_routererror", "text", "X-Cf-Routererror of the response"),
    _c("x_vcap_request_id", "text", "X-Vcap-Request-Id of the response"),
    _c("server", "text", "Server header of the response"),
    _c("location", "text", "Location header of the response"),
    _c("protocol", "text", "`:protocol` of an extended CONNECT (RFC 8441 4)"),
    _c("stream_id", "u32", "HTTP/2 stream; null in HTTP/1.x"),
    _c(
        "reset",
        "text",
        "how the stream was broken off: `RST_STREAM` or `GOAWAY` and the error code's name (RFC 9113 7); null where it was not",
    ),
    _c("reset_by", "text", "`client` or `server`: who broke the stream off"),
    _c("reset_time", "time", "time when the stream was broken off"),
    _c("reset_frame", "frame", "frame in which the stream was broken off"),
    _c(
        "asks_websocket",
        "bool",
        "the Upgrade header lists `websocket` (RFC 6455 4.2.1), or the `:protocol` of a CONNECT is `websocket` (RFC 8441 4)",
    ),
    _c("asks_upgrade", "bool", "the Connection header lists `upgrade`; also true of an extended CONNECT for WebSocket"),
    _c("key_valid", "bool", "the key is the base64 form of 16 bytes; null without a key"),
    _c(
        "accepts_websocket",
        "bool",
        "the response's Upgrade header lists `websocket`, or it is a 2xx to an extended CONNECT; null without a response",
    ),
    _c(
        "accepts_upgrade",
        "bool",
        "the response's Connection header lists `upgrade`, or it is a 2xx to an extended CONNECT; null without a response",
    ),
    _c(
        "accept_valid",
        "bool",
        "Sec-WebSocket-Accept answers this request's key (RFC 6455 4.2.2); null when either is absent",
    ),
    _c("key_hash", "u64", "hash of Sec-WebSocket-Key, to join by"),
    _c("accept_hash", "u64", "hash of Sec-WebSocket-Accept"),
    _c("expected_accept_hash", "u64", "hash of the Sec-WebSocket-Accept that the key asks for"),
    _c("content_hash", "u64", "hash of method and target, to join by; an extended CONNECT counts as GET (RFC 8441 5)"),
    _c("request_head_hash", "u64", "hash of the request head's bytes (in HTTP/2 as compressed); null unless complete"),
    _c("response_head_hash", "u64", "hash of the response head's bytes; null unless complete"),
    _c("request_body_bytes", "u64", "bytes of the request's body that went by, without chunk framing", "bytes"),
    _c("request_body_hash", "u64", "hash of the request's body; null without a body or with holes in it"),
    _c("response_body_bytes", "u64", "bytes of the response's body that went by, without chunk framing", "bytes"),
    _c(
        "request_head",
        "bytes",
        "the request head as captured (in HTTP/2 a line for each field), for exchanges that speak of WebSocket; else null",
    ),
    _c("response_head", "bytes", "the response head as captured, for exchanges that speak of WebSocket; else null"),
    _c("defects", "texts", "oddities of this exchange, by name"),
)

_DIRECTIONS: Final = (
    ("frames", "u64", "frames", None),
    ("messages", "u64", "data messages (text and binary)", None),
    ("text", "u64", "text messages", None),
    ("binary", "u64", "binary messages", None),
    ("bytes", "u64", "payload bytes of data frames", "bytes"),
    ("ping", "u64", "ping frames", None),
    ("pong", "u64", "pong frames", None),
    ("unparsed", "u64", "bytes that could not be walked as frames", "bytes"),
    ("first_payload", "bytes", "first 32 payload bytes, unmasked, of the first data message", "bytes"),
)

_MASK: Final = (("first_mask", "u32", "masking key of the first data message's first frame (RFC 6455 5.3)", None),)

WEBSOCKETS: Final = (
    _c("exchange", "u32", "the exchange that opened it"),
    _c("connection", "u32", "its connection"),
    _c("opened", "time", "time of the 101"),
    _c("ended", "time", "time of the first Close frame, or else of the connection's last packet"),
    *(
        _c(f"{side}_{name}", type_, f"{meaning} sent by the {side}", unit)
        for side in ("client", "server")
        for name, type_, meaning, unit in (*_DIRECTIONS, *(_MASK if side == "client" else ()))
    ),
    _c("close_code", "u16", "code of the first Close frame; null when it carried none or there was none"),
    _c("close_reason", "text", "reason of the first Close frame"),
    _c("closed_by", "text", "`client` or `server`: who sent the first Close frame; null without one"),
    _c("close_frame", "frame", "frame number of the first Close frame"),
    _c("compression", "bool", "permessage-deflate was negotiated (RFC 7692)"),
    _c("early_client_data", "bool", "the client sent frames before the 101 had gone by"),
    _c("longest_silence", "i64", "longest time without a WebSocket frame in either direction", "ns"),
    _c(
        "last_heard",
        "time",
        "time of the last bytes of WebSocket frames in either direction; of the 101 where there were none",
    ),
    _c("last_heard_frame", "frame", "frame that carried them"),
    _c("violations", "texts", "rules of RFC 6455 that were broken, as `client:name` or `server:name`"),
    _c("violation_frames", "frames", "for each of `violations` the frame at which it was first noticed"),
)

DEFECTS: Final = (
    _c("name", "text", "what is odd"),
    _c("connection", "u32", "its connection"),
    _c("direction", "text", "`client` or `server`: whose bytes"),
    _c("frame", "frame", "frame at which it was noticed"),
    _c("time", "time", "time of that frame"),
    _c("since", "time", "for a hole: time of the last packet before it; else null"),
    _c("bytes", "u64", "bytes concerned; null when that has no meaning", "bytes"),
)

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "captures": CAPTURES,
    "connections": CONNECTIONS,
    "exchanges": EXCHANGES,
    "websockets": WEBSOCKETS,
    "defects": DEFECTS,
}
