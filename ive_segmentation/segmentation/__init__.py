"""What: SAM 3, from its weights to the masks of what a word names."""
