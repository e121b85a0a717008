"""Keeping processes running: the supervisor, the clock, the folder queue, health."""
