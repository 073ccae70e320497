"""Outpost: the node and the hub, one program."""

__version__ = "0.1.0"
