"""Data sets as kinds: what a paper's own data set has to be."""

from abc import ABC, abstractmethod
from pathlib import Path

from tic.data.facts import SPLITS, Facts, Split
from tic.data.samples import Samples
from tic.kinds import Kind


class Dataset(Kind, ABC):
    """A data set with a training and a test split; a subclass is a frozen dataclass."""

    @property
    @abstractmethod
    def facts(self) -> Facts:
        """What is known before anything is read."""

    @abstractmethod
    def load(self, split: Split, root: Path | None = None, *, download: bool = True) -> Samples:
        """Load one split; the same samples every time.

        Args:
            split: Which.
            root: The folder that is searched first, for a data set that lies in files.
            download: Whether it may be downloaded where it is on no searched place.

        Raises:
            DataNotFoundError: It is nowhere and cannot be downloaded.
            TicError: What was found is damaged, or not what it should be.
        """

    @property
    def name(self) -> str:
        """As on the command line and in reports."""
        return self.facts.name

    def require(self, root: Path | None = None, *, download: bool = True) -> None:
        """See that both splits are there and whole.

        Raises:
            DataNotFoundError: One is nowhere and cannot be downloaded.
            TicError: One is damaged.
        """
        for split in SPLITS:
            self.load(split, root, download=download)
