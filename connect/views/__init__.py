"""The HTTP edge of Connect: views, the context of their pages, language and theme."""
