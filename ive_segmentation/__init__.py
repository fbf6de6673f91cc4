"""Segment people by name and things by whose they are."""
