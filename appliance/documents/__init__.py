"""The library: revisions of documents, parsed in a sandbox, cut into passages."""
