"""What the paper claims, and another explanation of it."""

from tic import audit

from .kinds import Agreement, CoolingAdam, Echoes, Listener, Margin, Mask

PAPER = audit.Paper(key="echo2026", title="Half a memory is enough", authors="N. N.", year=2026,
                    venue="An example", url="https://example.org")  # fmt: skip
RECIPE = audit.Recipe(dataset=Echoes(), architecture=Listener(64), timesteps=1, loss=Margin(),
                      fitting=CoolingAdam(), epochs=60, batch_size=32, checkpoints=3)  # fmt: skip
SMOKE = RECIPE.but(architecture=Listener(24), epochs=20)
SETTINGS = {"paper": audit.Setting(RECIPE), "smoke": audit.Setting(SMOKE, seeds=(0, 1, 2))}
PACK = audit.Pack(PAPER, SETTINGS, original="paper", default="smoke", datasets={"echoes": Echoes()})


def dense_and_sparse(setting: audit.Setting) -> dict[str, audit.Recipe]:
    return {"dense": setting.recipe, "sparse": setting.recipe.but(rules=(Mask(0.5),))}


def agreement(runs: dict[str, audit.SeedRuns]) -> audit.Array:
    sparse, dense = runs["sparse"], runs["dense"].recipe
    return sparse.values(Agreement(epoch=sparse.epoch("final"), other=dense), "agreement")


@audit.claim(
    PACK, "half-is-enough", source="Fig. 1", needs=dense_and_sparse,
    says="A network with half of its recurrent weights answers as the whole one does.",
    rule="Agreement on the test sequences above 80 %.", controls=(audit.UNTRAINED,),
)  # fmt: skip
def test_half_is_enough(runs, judge):
    judge(agreement(runs), audit.above(80), name="agreement", unit="%")


@audit.rival(
    PACK, "both-are-good", of=("half-is-enough",), source="Fig. 1", needs=dense_and_sparse,
    says="They agree because both are right, and no more than that.",
    rule="Agreement at most 5 points above that of independent errors.",
)  # fmt: skip
def test_both_are_good(runs, judge):
    dense, sparse = (runs[role].accuracy() / 100 for role in ("dense", "sparse"))
    by_chance = 100 * (dense * sparse + (1 - dense) * (1 - sparse) / 3)
    judge(
        agreement(runs) - by_chance, audit.below(5), name="agreement beyond chance", unit="points"
    )
