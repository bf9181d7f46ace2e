"""Arms, pairing, statistics, Verdict, and the LR range test."""
