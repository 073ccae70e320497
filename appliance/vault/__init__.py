"""The vault: credentials of the plant's systems, kept for connectors and shown to nobody."""
