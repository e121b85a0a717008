"""A simulated car: its data, keys and computers."""
