"""Tests, by the part of the product that they try; `support` is what they share."""
