"""TLS: the node's own certificate authority, or the plant's certificate, and how long either lasts."""
