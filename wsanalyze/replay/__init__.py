"""Takes captured flows, sends them to a router, gives what came of it beside what was captured."""
