"""Run all benchmarks on one thread; print the table and write it as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks import fisher, training


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("reports/benchmarks.json"))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    ratios = [*fisher.ratios(), *training.ratios()]
    print("| path | against | times as fast | smallest to largest pair |")
    print("|---|---|---|---|")
    for each in ratios:
        print(
            f"| {each.path} | {each.against} | {each.ratio:.2f} "
            f"| {each.low:.2f} to {each.high:.2f} |"
        )
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps([each.as_json() for each in ratios], indent=1))


if __name__ == "__main__":
    main()
