"""The demo: a whole Carport on this machine, with a simulated Tesla. `make demo` runs it; see `__main__`."""
