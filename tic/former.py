"""What earlier versions wrote: Recipes of version 3, whose fields were those of the first paper.

A Recipe that version 3 could state keeps the fingerprint that it had, so that what was trained for
it stays. Everything here is plain JSON; nothing is imported for it.
"""

from __future__ import annotations

from typing import Any

VERSION = 3

Fields = dict[str, Any]

_DEFAULTS: Fields = {
    "train_size": None,
    "architecture": "tiny",
    "timesteps": 5,
    "tau": 2.0,
    "loss": "mean",
    "alpha": None,
    "alpha_per": "batch",
    "epochs": 60,
    "batch_size": 128,
    "learning_rate": 0.3,
    "momentum": 0.9,
    "dampening": 0.0,
    "weight_decay": 5e-4,
    "batch_norm": "joint",
    "precision": "fp32",
    "augmentation": "crop-flip",
    "checkpoints": 1,
    "seed": 0,
    "sparsity": 0.0,
    "pruning": "magnitude",
    "pruning_scope": "global",
}
_SAME = (
    "train_size", "timesteps", "epochs", "batch_size", "precision", "checkpoints", "seed",
)  # fmt: skip
"""Fields that are what they were."""
_DATASETS = {
    "cifar10": "tic.data.cifar:CIFAR10",
    "cifar100": "tic.data.cifar:CIFAR100",
    "digits": "tic.data.digits:Digits",
    "fashion-mnist": "tic.data.fashion_mnist:FashionMNIST",
    "svhn": "tic.data.svhn:SVHN",
}
_SPIKING = "tic.models.architecture:Spiking"
_SGD = "tic.fitting:CosineSGD"
_PRUNING = "tic.pruning:Pruning"
_CROP_FLIP = "tic.data.augment:CropFlip"
_MEAN, _PREFIX, _ALPHA = (f"tic.losses:{readout}Loss" for readout in ("Mean", "Prefix", "Alpha"))
_RATES = ("learning_rate", "momentum", "dampening", "weight_decay")


def identity(recipe: Fields) -> tuple[int, Fields] | None:
    """What a Recipe's fingerprint was made of in version 3, or None where that had no such.

    Args:
        recipe: Its fields as `Recipe.described` gives them.

    Returns:
        The version, and the fields that differed from the defaults of that time.
    """
    flat = _flat(recipe)
    if flat is None:
        return None
    return VERSION, {
        name: value
        for name, value in flat.items()
        if name not in _DEFAULTS or value != _DEFAULTS[name]
    }


def _flat(recipe: Fields) -> Fields | None:
    names = {kind: name for name, kind in _DATASETS.items()}
    loss, rules = _loss(recipe["loss"]), _rules(recipe["rules"])
    dataset, network, fitting = (recipe[field] for field in ("dataset", "architecture", "fitting"))
    augmentation = {None: "none", _CROP_FLIP: "crop-flip"}.get(_kind(recipe["augmentation"]))
    known = (
        _kind(dataset) in names
        and _kind(network) == _SPIKING
        and _kind(fitting) == _SGD
        and None not in (loss, rules, augmentation)
    )
    if not known or loss is None or rules is None or "twin" in recipe:
        return None
    built = network["fields"]
    return {
        **{name: recipe[name] for name in _SAME},
        "dataset": names[dataset["kind"]],
        "architecture": built["network"],
        "tau": float(built["tau"]),
        "batch_norm": built["batch_norm"],
        **{name: float(fitting["fields"][name]) for name in _RATES},
        "augmentation": augmentation,
        **loss,
        **rules,
    }


def _kind(described: Any) -> Any:
    return None if described is None else described["kind"]


def _loss(described: Fields) -> Fields | None:
    if described["kind"] == _ALPHA:
        fields = described["fields"]
        return {"loss": "alpha", "alpha": float(fields["alpha"]), "alpha_per": fields["per"]}
    name = {_MEAN: "mean", _PREFIX: "prefix"}.get(described["kind"])
    return None if name is None else {"loss": name}


def _rules(described: list[Fields]) -> Fields | None:
    if not described:
        return {}
    if len(described) > 1 or described[0]["kind"] != _PRUNING:
        return None
    fields = described[0]["fields"]
    return {
        "sparsity": float(fields["sparsity"]),
        "pruning": fields["order"],
        "pruning_scope": fields["scope"],
    }


def raised(flat: Fields) -> Fields:
    """Bring the fields of a Recipe of version 3 to those of today, as plain JSON.

    Args:
        flat: Its fields, those of its parent among them or the parent's fingerprint.

    Raises:
        KeyError: It names a data set that version 3 had not.
    """
    old = {**_DEFAULTS, **flat}
    parent = old.get("parent")
    pruning = {
        "sparsity": old["sparsity"], "order": old["pruning"], "scope": old["pruning_scope"],
    }  # fmt: skip
    return {
        **{name: old[name] for name in _SAME},
        "dataset": _described(_DATASETS[old["dataset"]]),
        "architecture": _described(
            _SPIKING, network=old["architecture"], tau=old["tau"], batch_norm=old["batch_norm"]
        ),
        "loss": _raised_loss(old),
        "fitting": _described(_SGD, **{name: old[name] for name in _RATES}),
        "rules": [_described(_PRUNING, **pruning)] if old["sparsity"] else [],
        "augmentation": _described(_CROP_FLIP) if old["augmentation"] == "crop-flip" else None,
        "parent": raised(parent) if isinstance(parent, dict) else parent,
    }


def _raised_loss(old: Fields) -> Fields:
    if old["loss"] == "alpha":
        return _described(_ALPHA, alpha=old["alpha"], per=old["alpha_per"])
    return _described({"mean": _MEAN, "prefix": _PREFIX}[old["loss"]])


def _described(kind: str, **fields: Any) -> Fields:
    return {"kind": kind, "fields": fields}


MOVED = {
    f"tic.measure.catalogue:{name}Measurement": f"tic.measure.{module}:{name}Measurement"
    for module, names in {
        "fisher": ("Fisher",),
        "robustness": ("Accuracy", "Right", "ZeroGradient"),
        "confidence": ("Confidence",),
        "tangent": ("Tangent",),
    }.items()
    for name in names
}
"""Kinds that lay elsewhere when they were described, and where they are now."""
