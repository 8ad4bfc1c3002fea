"""The worked example of docs/swap-persistence.md: everything in one file, for an installation of a few people."""

import os
import pickle
import tempfile
from pathlib import Path

from adapters.environment import Uuid7Ids
from adapters.memory.database import MemoryDatabase, Tables


class FileDatabase(MemoryDatabase):
    """Reads the file when it starts, and writes it anew at each commit: in one piece, or not at all."""

    def __init__(self, file: Path) -> None:
        self._file = file
        tables: Tables | None = pickle.loads(file.read_bytes()) if file.exists() else None  # noqa: S301 (our own)
        super().__init__(ids=Uuid7Ids(), tables=tables)

    def keep(self, tables: Tables) -> None:
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as stream:
            pickle.dump(tables, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._file)
        super().keep(tables)


def opened() -> FileDatabase:
    """What PERSISTENCE names: it is given nothing, and reads its own configuration."""
    return FileDatabase(Path(os.environ.get("PORTICO_FILE", "portico.pickle")))


class PassingFileDatabase(FileDatabase):
    """One that takes its file with it."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="portico-example-")
        super().__init__(Path(self._directory.name, "portico.pickle"))

    def close(self) -> None:
        self._directory.cleanup()


def fresh() -> PassingFileDatabase:
    """What --persistence names: an empty one each time."""
    return PassingFileDatabase()
