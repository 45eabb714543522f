"""Which packs have worlds of known truth."""

from tests.mutants import kim2023, li2023, meszaros2024, yao2023

PACKS = {
    known.package.rpartition(".")[2]: known
    for known in (kim2023.KNOWN, li2023.KNOWN, yao2023.KNOWN, meszaros2024.KNOWN)
}
