"""Tesla's tokens, from the login that gives them to the refresh that replaces them; encrypted, never lost."""
