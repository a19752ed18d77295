"""Takes a judged handshake, goes back to the captures for what the tables do not keep."""
