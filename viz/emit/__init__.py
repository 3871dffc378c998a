"""Emitters: each writes a scene down in one format."""
