"""Faults to put between the portal and what it depends on: each a thing that really misbehaves, over real sockets."""
