"""Codes and tokens for applications: RFC 6749 with the texts that SDKs compare."""
