"""Data sets as kinds: what a paper's own data set has to be."""

from abc import ABC, abstractmethod
from pathlib import Path

from tic.data.facts import SPLITS, Facts, Split
from tic.data.locate import named_by_environment
from tic.data.samples import Samples
from tic.errors import TicError
from tic.kinds import Kind, foreign_modules, place
from tic.mistakes import author_errors_explained


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
            root: The folder that is searched first, for a data set that lies in files: what
                `--data` names, else `$TIC_DATA`.
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
        """See that both splits are there and whole, and the same samples every time.

        What tic brings is told by its sha256; of another data set only a second look says whether
        it draws anew, which would train every Run on samples of its own.

        Raises:
            DataNotFoundError: One is nowhere and cannot be downloaded.
            TicError: One is damaged, is not what the facts say, or changes.
        """
        for split in SPLITS:
            samples = load_whole(self, split, root, download=download)
            if foreign_modules(self):
                again = load_whole(self, split, root, download=False)
                if again.digest != samples.digest:
                    raise TicError(
                        f"{place(self)}: load of the data set {self.name} must return the same "
                        f"{split} samples every time, got others when it was called again; draw "
                        f"with a generator of a fixed seed"
                    )


def load_whole(
    dataset: Dataset, split: Split, root: Path | None = None, *, download: bool = True
) -> Samples:
    """Load one whole split, and see that it is what the facts of its data set say.

    Raises:
        DataNotFoundError: It is nowhere and cannot be downloaded.
        TicError: It is damaged, or its data set loads something else than its facts say, or raises;
            of a data set from outside with the file and line that define it.
    """
    try:
        with author_errors_explained(f"load of the data set {dataset.name}"):
            samples = dataset.load(split, root or named_by_environment(), download=download)
        _require_fitting(samples, dataset, split)
    except TicError as error:
        if type(error) is not TicError or not foreign_modules(dataset):
            raise
        raise TicError(f"{place(dataset)}: {error}") from error
    return samples


def _require_fitting(samples: Samples, dataset: Dataset, split: Split) -> None:
    if not isinstance(samples, Samples):
        raise TicError(
            f"load of the data set {dataset.name} must return Samples, got "
            f"{type(samples).__name__}; see tic.data.Samples"
        )
    if samples.split != split or samples.facts != dataset.facts:
        raise TicError(
            f"load of the data set {dataset.name} must return samples of the split and facts that "
            f"were asked for, got {samples.split!r} of {samples.facts}; give it facts=self.facts"
        )
    # What tic brings is told from other files by its sha256; of another only the facts are known.
    if foreign_modules(dataset) and len(samples) != dataset.facts.size(split):
        raise TicError(
            f"load of the data set {dataset.name} must return as many {split} samples as its facts "
            f"say, {dataset.facts.size(split)}, got {len(samples)}; mend {split}_size, or what is "
            f"loaded"
        )
