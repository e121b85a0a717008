"""Tesla accounts: consents, pairing, and their pages."""
