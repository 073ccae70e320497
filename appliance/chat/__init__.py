"""Conversations: a person asks, the answer is quoted, kept with its sources, and rated."""
