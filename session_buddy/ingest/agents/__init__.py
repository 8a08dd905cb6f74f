"""Coding agents that session-buddy can be installed into: one adapter, one file each."""
