"""Logging in at the simulated Tesla, and its tokens."""
