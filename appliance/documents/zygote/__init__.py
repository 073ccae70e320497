"""Where files of strangers are opened: a process that can reach neither network nor files, and is cut short."""

MESSAGE = 64 * 1024
"""Bytes of the longest message between the sandbox and its zygote."""
