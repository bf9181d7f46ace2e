"""Recipe -> Run: the one training loop."""
