"""A worker process of the local engine: a job per line comes in, an answer per line goes out.

Whatever a library prints goes to standard error. The worker ends at once when nobody can give it
jobs any more, in the middle of an epoch too: the Store is whole at any time.
"""

from __future__ import annotations

import os
import sys
from queue import SimpleQueue
from threading import Thread
from typing import NoReturn

from tic.engine.job import carry_out


def main() -> NoReturn:
    """Do jobs until standard input is closed."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    jobs: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(jobs,), daemon=True).start()
    while True:
        answers.write(f"{carry_out(jobs.get())}\n")
        answers.flush()


def _listen(jobs: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
