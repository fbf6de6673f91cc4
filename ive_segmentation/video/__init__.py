"""The same over time: pictures out of videos."""
