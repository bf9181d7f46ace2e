"""The loss asked with made-up outputs."""
