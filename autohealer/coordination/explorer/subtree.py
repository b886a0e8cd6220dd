"""A node with all that is below it: listed and deleted, many requests at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from autohealer.coordination.explorer.error_messages import HasChildrenError, NoSuchNodeError
from autohealer.coordination.explorer.requests import Nodes
from autohealer.errors import AutohealerError

BATCH = 100
# Far below what a server reads in one piece.
BATCH_CHARACTERS = 100_000
# How often we list and delete anew what others keep creating.
PASSES = 5

Progress = Callable[[int, int], None]


def walk(nodes: Nodes, path: str, progress: Progress = lambda _done, _total: None) -> dict[str, list[str]]:
    """The children of the node and of all below it by path, level by level; NoSuchNodeError where it is not there."""
    found: dict[str, list[str]] = {}
    level = [path]
    while level:
        for parent, names in zip(level, nodes.each_children(level), strict=True):
            if names is not None:
                found[parent] = names
                progress(0, len(found))
        level = [join(parent, name) for parent in level for name in found.get(parent, ())]
    if not found:
        nodes.children(path)  # raises what is to be said; or it has just been created
        return {path: []}
    return found


def in_order(path: str, children: dict[str, list[str]]) -> Iterator[str]:
    """The paths of a walk as zkCli lists them: a node's children first, then what is below each of them."""
    yield path
    waiting = [path]
    while waiting:
        parent = waiting.pop()
        below = [join(parent, name) for name in children.get(parent, ())]
        yield from below
        waiting.extend(reversed(below))


def delete_all(nodes: Nodes, path: str, progress: Progress) -> None:
    """Delete the node with all below it, whatever others do there meanwhile. ``progress``: how many of how many."""
    found = walk(nodes, path, progress)
    for _ in range(PASSES):
        left = _delete(nodes, list(reversed(found)), progress)
        if not left:
            return
        hard = [error for error in left if not isinstance(error, HasChildrenError)]
        if hard:
            raise AutohealerError(f"{hard[0]} ({len(left)} nodes are left)", hard[0].hint)
        try:
            found = walk(nodes, path)
        except NoSuchNodeError:
            return
    raise AutohealerError(f"somebody keeps creating nodes below {path}", "stop that first")


def _delete(nodes: Nodes, paths: Sequence[str], progress: Progress) -> list[AutohealerError]:
    """Delete these, children first; why not, for each that stands still."""
    done = 0
    alone: list[str] = []
    batches = list(_batches(paths))
    for batch, deleted in zip(batches, nodes.delete_batches(batches), strict=True):
        if deleted:
            done += len(batch)
            progress(done, len(paths))
        else:
            alone += batch
    left = []
    for error in nodes.delete_each(alone):
        if error is not None:
            left.append(error)
        else:
            done += 1
            progress(done, len(paths))
    return left


def _batches(paths: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for path in paths:
        if len(batch) == BATCH or (batch and characters + len(path) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(path)
        characters += len(path)
    if batch:
        yield batch


def join(parent: str, name: str) -> str:
    """The path of a child."""
    return f"/{name}" if parent == "/" else f"{parent}/{name}"
