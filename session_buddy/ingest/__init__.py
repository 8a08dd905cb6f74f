"""What comes in: hooks, transcripts of each agent, exports, and the journal that acknowledges."""
