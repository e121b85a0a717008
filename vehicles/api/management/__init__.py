"""What an application asks and does with its management token."""
