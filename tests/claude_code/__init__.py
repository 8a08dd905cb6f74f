"""The product against a real Claude Code, driven offline by a scripted model."""
