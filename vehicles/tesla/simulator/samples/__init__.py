"""Sample people and cars, and the scenarios that begin with them."""
