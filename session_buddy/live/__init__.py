"""Pure state of what is happening now: no clock, no I/O, no SQL; time comes in as an argument."""
