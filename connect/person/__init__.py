"""A person's own page: who may do what with their cars, and taking it back."""
