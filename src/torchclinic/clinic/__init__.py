"""diagnose() and repair(): rules, remedies and study put together."""
