"""Experiments over real services and over a real server."""
