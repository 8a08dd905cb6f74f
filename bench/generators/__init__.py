"""Made-up and resampled records. Each was written down before the method that it judges."""
