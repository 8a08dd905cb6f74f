"""Frozen values, and the protocols between the layers. Imports nothing of ours but `errors`."""
