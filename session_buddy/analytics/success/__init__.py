"""How likely a use is to complete, and how good those probabilities were."""
