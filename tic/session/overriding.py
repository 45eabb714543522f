"""Any field of a setting, changed by a word of the command line: `--set architecture.width=32`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from tic.audit.pack import Setting
from tic.errors import TicError
from tic.kinds import Kind, describe
from tic.mistakes import sentence_of
from tic.recipe import Recipe
from tic.restoring import trusting
from tic.text import quoted

_OWN = tuple(field.name for field in fields(Setting))


def overridden(setting: Setting, changes: Sequence[str]) -> Setting:
    """Change fields of a setting or of its Recipe.

    Args:
        setting: As the pack has it.
        changes: `FIELD=VALUE` each: the field of a setting, a Recipe, or of a kind in it behind a
            dot; the value as JSON, or as it is where that is none. A kind is described, as
            `tic.kinds.describe` does, and may be of any package: whoever writes the command line
            trusts what it names.

    Raises:
        TicError: There is no such field, or it cannot have such a value.
    """
    for change in changes:
        path, equals, text = change.partition("=")
        if not (path and equals):
            raise TicError(f"--set must be FIELD=VALUE, such as epochs=15, got {quoted(change)}")
        name, *inner = path.split(".")
        value = _value(text)
        try:
            with trusting(set(_modules(value))):
                if name == "recipe" or name not in _OWN:
                    names = inner if name == "recipe" else [name, *inner]
                    if names == ["seed"]:
                        raise TicError(
                            "a claim is trained with every seed of its setting, whatever seed the "
                            "setting's Recipe has; choose them by --seeds, such as --seeds 7-11"
                        )
                    setting = replace(setting, recipe=_changed(setting.recipe, names, value))
                else:
                    setting = _changed(setting, [name, *inner], value)
        except TicError as error:
            raise TicError(f"--set {quoted(path)}: {error}") from None
        except Exception as error:  # of the rules of a pack's own kinds
            raise TicError(
                f"--set {quoted(path)}: {sentence_of(error)}; give it a value that it takes"
            ) from error
    return setting


def _modules(value: Any) -> Iterator[str]:
    """Modules of the kinds that a value describes, and of those in their fields."""
    if isinstance(value, dict):
        if isinstance(kind := value.get("kind"), str):
            yield kind.partition(":")[0]
        value = tuple(value.values())
    if isinstance(value, tuple):
        for part in value:
            yield from _modules(part)


def _value(text: str) -> Any:
    try:
        return _as_tuples(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _changed(owner: Any, path: Sequence[str], value: Any) -> Any:
    """Return a copy of a setting, Recipe, kind, tuple or dictionary with one part changed."""
    name, *inner = path or [""]
    if owner is None:
        raise TicError(
            f"there is no {quoted(name)}, since the setting has nothing there; what a claim's "
            "needs puts there itself is changed in the pack"
        )
    known = _parts(owner)
    if name not in known:
        counted = ", counted from 1" if isinstance(owner, tuple) and known else ""
        raise TicError(
            f"there is no {quoted(name)} in {type(owner).__name__}; known: "
            f"{', '.join(known) or 'nothing'}{counted}"
        )
    if isinstance(known[name], Kind) and not inner and isinstance(value, str):
        raise TicError(
            f"must be described as JSON, as {json.dumps(describe(known[name]))} is what it is "
            f"now, got {quoted(value)}"
        )
    part = _changed(known[name], inner, value) if inner else value
    if isinstance(owner, tuple):
        return tuple(part if key == name else kept for key, kept in known.items())
    if isinstance(owner, dict):
        return {**owner, name: part}
    if isinstance(owner, Setting):
        return replace(owner, **{name: part})
    return owner.but(**{name: part})


def _parts(owner: Any) -> dict[str, Any]:
    """What lies in a value, by the names that a path has for it; the rules of a Recipe from 1."""
    if isinstance(owner, tuple):
        return {str(number): part for number, part in enumerate(owner, start=1)}
    if isinstance(owner, dict):
        return owner
    if isinstance(owner, Recipe):
        return dict(owner)
    if isinstance(owner, Kind | Setting):
        return {field.name: getattr(owner, field.name) for field in fields(owner)}  # type: ignore[arg-type]
    return {}
