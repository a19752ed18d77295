"""Records what real load balancers do with WebSocket handshakes, on both sides, and what the endpoints saw of it.

Takes a configured load balancer and a plan of traffic, gives `front.pcap`, `back.pcap` and `truth.json`. The truth is written
from what the client and the router logged and from the configuration, never from what was captured.
"""
