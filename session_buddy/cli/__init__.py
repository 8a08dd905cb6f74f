"""The commands that a person types; click and rich are imported here and nowhere else."""
