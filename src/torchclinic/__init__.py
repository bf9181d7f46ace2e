"""Says why a PyTorch training fails, repairs it, and proves the repair."""
