"""session-buddy: a local flight recorder and coach for the skills of coding agents."""

__version__ = "0.1.0"
