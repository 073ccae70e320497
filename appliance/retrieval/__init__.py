"""Retrieval: the index of passages and the search in it. Identifiers stay whole, filters stand inside the query."""
