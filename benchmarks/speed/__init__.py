"""How long the same work takes on every engine, in turn, on one core: `make bench`."""
