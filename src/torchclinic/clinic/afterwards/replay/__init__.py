"""The watched run once more, up to the operation that breaks it."""
