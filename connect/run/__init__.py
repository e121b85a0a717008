"""A run of Connect: its steps, what moves a person from one to the next, and the logins at Tesla. No HTTP."""
