"""The front of every `session-buddy serve`: standard library only, until it leads."""
