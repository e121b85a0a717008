"""What an application asks for when it sends a person to Connect, and the way back to it."""
