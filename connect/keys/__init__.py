"""What a person is shown about a car's virtual key."""
