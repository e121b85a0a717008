"""What commands do to a simulated car, and when it refuses."""
