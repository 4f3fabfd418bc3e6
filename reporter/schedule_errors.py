"""What is wrong with a schedule.yaml, said so that a person can put it right: file, line, key, what is expected, and the nearest right word."""

from __future__ import annotations

import difflib
import typing
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from reporter.core.errors import ScheduleError

MEANWHILE = "nothing was read, written or sent"


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe subset, in which a key given twice is an error instead of a silent last-one-wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands here twice", key_node.start_mark)
            seen.add(key if isinstance(key, str | int) else id(key_node))
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> str:
    """A file's text. Raises ScheduleError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ScheduleError(
            "there is no such schedule", where=str(path), fix="name it with --schedule FILE, or make one with: reporter init", meanwhile=MEANWHILE
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScheduleError(f"the schedule cannot be read: {error}", where=str(path), fix="a readable UTF-8 file", meanwhile=MEANWHILE) from None


def load_yaml(text: str, where: str) -> tuple[Any, yaml.Node | None]:
    """YAML text -> value, and the node tree that knows the lines. Raises ScheduleError."""
    try:
        lines = yaml.compose(text, Loader=UniqueKeyLoader)
        value = yaml.load(text, Loader=UniqueKeyLoader)  # noqa: S506  # a subclass of SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}" if mark else where
        problem = getattr(error, "problem", None) or str(error).split("\n", maxsplit=1)[0]
        raise ScheduleError(
            f"this is not valid YAML: {problem}", where=place, fix="mend the line; keys and lists are indented with spaces", meanwhile=MEANWHILE
        ) from None
    if not isinstance(value, dict):
        raise ScheduleError(
            "a schedule is a mapping with the keys jobs, aws and workload_protection",
            where=where,
            fix="start from: reporter init",
            meanwhile=MEANWHILE,
        )
    return value, lines


def validation(error: ValidationError, model: type[BaseModel], lines: yaml.Node | None, where: str) -> ScheduleError:
    """Pydantic's findings -> one ScheduleError. Values are never repeated: one of them may be a secret."""
    said: list[str] = []
    problems = error.errors(include_url=False, include_input=False)
    for problem in problems:
        if problem["type"] == "too_short" and any(len(other["loc"]) > len(problem["loc"]) for other in problems):
            continue  # its items are wrong, which is said at each of them
        place = tuple(part for part in problem["loc"] if not _is_branch(part))
        key = _dotted(place)
        line = _line(lines, place)
        prefix = f"line {line}: " if line else ""
        said.append(f"{prefix}{key}: {_message(problem, model, place)}" if key else f"{prefix}{_message(problem, model, place)}")
    unique = list(dict.fromkeys(said))
    shown = "\n    ".join(unique[:20])
    return ScheduleError(
        f"the schedule has {len(unique)} mistake{'s' if len(unique) > 1 else ''}:\n    {shown}",
        where=where,
        fix="mend the lines above; `reporter schema` prints every key that is known",
        meanwhile=MEANWHILE,
    )


def _is_branch(part: Any) -> bool:
    """Pydantic names the branch of a union in the location: that is no key of the file."""
    return isinstance(part, str) and (part.startswith(("tuple[", "literal[", "function-", "constrained-", "dict[")) or part == "[key]")


def _message(problem: Any, model: type[BaseModel], place: tuple[Any, ...]) -> str:
    if problem["type"] == "extra_forbidden":
        known = sorted(_fields(model, place[:-1]))
        close = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.5)
        return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known here: {', '.join(known)}"
    if problem["type"] == "missing":
        return "this key is required"
    text = str(problem["msg"])
    return text.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _fields(model: type[BaseModel], place: tuple[Any, ...]) -> set[str]:
    """Names of the keys known at a place of the file."""
    kind: Any = model
    for part in place:
        kind = _step(kind, part)
    found = _model_of(kind)
    return set(found.model_fields) if found else set()


def _step(kind: Any, part: Any) -> Any:
    found = _model_of(kind)
    if found is not None and part in found.model_fields:
        return found.model_fields[part].annotation
    arguments = [argument for argument in typing.get_args(kind) if argument is not type(None) and argument is not Ellipsis]
    for argument in arguments:
        if _model_of(argument) is not None:
            return argument
        inner = _step(argument, part)
        if inner is not None:
            return inner
    return None


def _model_of(kind: Any) -> type[BaseModel] | None:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    for argument in typing.get_args(kind):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    return None


def _dotted(place: tuple[Any, ...]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _line(node: yaml.Node | None, place: tuple[Any, ...]) -> int | None:
    """Line of the deepest key of a location that is in the file."""
    line: int | None = None
    for part in place:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                return line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            return line
    return line
