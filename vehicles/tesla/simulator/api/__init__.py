"""Tesla's interfaces for applications."""
