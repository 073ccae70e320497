"""The demo plant: its sources, and the builder of the files that `outpost run --demo` is seeded with."""
