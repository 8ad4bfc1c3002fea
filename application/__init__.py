"""What Portico does: one use case, one rule. Imports the domain and the standard library only."""
