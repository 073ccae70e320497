"""Pure parsers: bytes of a file in, blocks out. They run only inside the sandbox's child."""
