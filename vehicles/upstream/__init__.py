"""Everything that asks Tesla. Each call spends a rate budget, has a deadline, and reports what it learned."""
