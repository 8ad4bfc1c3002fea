import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def threads_that_interleave(most: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that give way to one another all the time, so that a missing lock shows."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(most) as pool:
            yield pool
    finally:
        sys.setswitchinterval(usual)
