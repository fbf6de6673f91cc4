"""Whose: which face is which person's, and which thing belongs to which person."""
