"""What executes runs: Recipes x seeds -> Runs."""
