"""What can end or hold up a run, as data, and the support codes by which staff find it."""
