"""What we add to Django's database layer, for every package above it."""
