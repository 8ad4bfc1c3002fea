"""A small backend beside Portico. docs/use-from-a-backend.md walks through it."""
