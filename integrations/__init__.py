"""The vendors: one folder each, and what they share."""
