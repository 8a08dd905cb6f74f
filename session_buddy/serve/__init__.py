"""What clients talk to: the MCP server, the leader's local socket, and the feed."""
