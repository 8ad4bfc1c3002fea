"""Persistence over dicts: nothing to install, nothing kept. What tests and a first look run on."""

from adapters.memory.database import MemoryDatabase

__all__ = ["MemoryDatabase"]
