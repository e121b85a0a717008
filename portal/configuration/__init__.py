"""Settings: the table, how each value is read, and the checks before a deployment."""
