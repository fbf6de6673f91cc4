"""The same over time: frames read, tracked, named, and written as videos."""
