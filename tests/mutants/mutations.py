"""Every small change of a module that is tried: a comparison moved, a condition fixed, a statement left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import CodeType

Function = ast.FunctionDef | ast.AsyncFunctionDef

BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
OTHER_FUNCTION = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
# Where a condition stands: of a statement, and of a comprehension.
CONDITIONS = {"test", "ifs"}
# What tells something to a type checker only, or is no expression of its own.
NOT_RUN = {"annotation", "returns", "decorator_list", "type_params", "format_spec"}


@dataclass
class Place:
    """Where a node stands."""

    parent: ast.AST
    name: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        """This node stands there from now on."""
        if self.index is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.index] = node


@dataclass(frozen=True)
class Scope:
    """What a node is in."""

    names: tuple[str, ...] = ()
    """Of the classes, and of the outermost function."""
    function: Function | None = None
    statement: ast.stmt | None = None


@dataclass
class Mutation:
    """One change: another node in the place of this one."""

    scope: Scope
    place: Place
    old: ast.AST
    new: ast.AST

    @property
    def text(self) -> str:
        """What it is, for people, and to know it again: the same wherever the function stands."""
        before, after = _shown(self.old, self.place), _shown(self.new, self.place)
        return f"{'.'.join(self.scope.names)}: {before} → {after}"

    @property
    def lines(self) -> range:
        """The lines of the statement, without those of statements in it."""
        statement = self.scope.statement
        assert statement is not None
        inner = getattr(statement, "body", None)
        last = inner[0].lineno - 1 if inner else statement.end_lineno
        return range(statement.lineno, max(statement.lineno, last or 0) + 1)

    def compiled(self, tree: ast.Module, file: str) -> CodeType:
        """The module with this change. Its tree is as it was afterwards."""
        self.place.put(self.new)
        try:
            return compile(ast.fix_missing_locations(tree), file, "exec")
        finally:
            self.place.put(self.old)


def mutations(tree: ast.Module) -> Iterator[Mutation]:
    """All of a module, in the order of its text."""
    return _below(tree, Scope())


def _below(parent: ast.AST, scope: Scope) -> Iterator[Mutation]:
    for name, value in ast.iter_fields(parent):
        if name in NOT_RUN:
            continue
        # Defaults of parameters are worked out when the function is defined.
        within = replace(scope, function=None) if name == "args" and isinstance(parent, Function) else scope
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST):
                yield from _at(Place(parent, name, index), node, within)


def _at(place: Place, node: ast.AST, scope: Scope) -> Iterator[Mutation]:
    if _is_for_types(node) or _is_docstring(node):
        return
    if isinstance(node, ast.stmt):
        scope = replace(scope, statement=node)
    for new in _variants(node, place, scope):
        yield Mutation(scope, place, node, ast.copy_location(new, node))
    if isinstance(node, ast.ClassDef) and scope.function is None:
        scope = replace(scope, names=(*scope.names, node.name))
    elif isinstance(node, Function) and scope.function is None:
        scope = replace(scope, names=(*scope.names, node.name), function=node)
    yield from _below(node, scope)


def _variants(node: ast.AST, place: Place, scope: Scope) -> Iterator[ast.AST]:
    is_test = place.name in CONDITIONS
    if is_test and isinstance(node, ast.expr):
        yield ast.Constant(value=True)
        if place.name == "test" and not isinstance(place.parent, ast.While):
            yield ast.Constant(value=False)
    match node:
        case ast.Compare():
            yield from _compared(node, is_test=is_test)
        case ast.BinOp(op=op) if type(op) in ARITHMETIC and (scope.function or not isinstance(op, ast.BitOr)):
            yield ast.BinOp(left=node.left, op=ARITHMETIC[type(op)](), right=node.right)
        case ast.Constant(value=value):
            yield from _constants(value)
        case ast.Call(func=ast.Name(id=name)) if name in OTHER_FUNCTION:
            other = ast.copy_location(ast.Name(id=OTHER_FUNCTION[name], ctx=ast.Load()), node)
            keywords = [] if name == "sorted" else node.keywords
            yield ast.Call(func=other, args=node.args, keywords=keywords)
        case ast.stmt():
            yield from _other_statements(node)
            if scope.function is not None and _can_be_left_out(node):
                yield ast.Pass()
        case _:
            yield from _with_less(node, place)


def _with_less(node: ast.AST, place: Place) -> Iterator[ast.AST]:
    match node:
        case ast.BoolOp(values=values):
            for left_out in values:
                kept = [value for value in values if value is not left_out]
                yield ast.BoolOp(op=node.op, values=kept) if len(kept) > 1 else kept[0]
        case ast.UnaryOp(op=ast.Not(), operand=operand) if place.name != "test":
            yield operand
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.Set(elts=elements) if len(elements) > 1:
            for left_out in elements:
                yield ast.Set(elts=[element for element in elements if element is not left_out])


def _other_statements(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield ast.Return(value=ast.Constant(value=None))
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield ast.AugAssign(target=node.target, op=ARITHMETIC[type(op)](), value=node.value)
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()


def _compared(node: ast.Compare, *, is_test: bool) -> Iterator[ast.Compare]:
    for number, op in enumerate(node.ops):
        # A condition that is always true, and one that is never, say more than its opposite.
        other = BOUNDARY.get(type(op)) or (None if is_test and len(node.ops) == 1 else OPPOSITE.get(type(op)))
        if other is not None:
            ops = [*node.ops[:number], other(), *node.ops[number + 1 :]]
            yield ast.Compare(left=node.left, ops=ops, comparators=node.comparators)


def _constants(value: object) -> Iterator[ast.Constant]:
    match value:
        case bool():
            yield ast.Constant(value=not value)
        case int() | float():
            yield ast.Constant(value=value + 1)
        case str() if " " not in value:  # what has blanks is for people to read, and decides nothing
            yield ast.Constant(value=f"XX{value}")


def _can_be_left_out(node: ast.AST) -> bool:
    match node:
        case ast.Expr() | ast.Raise() | ast.Delete() | ast.AugAssign() | ast.Return(value=None) | ast.Continue():
            return True
        case ast.Assign(targets=targets):
            return all(isinstance(target, ast.Attribute | ast.Subscript | ast.Tuple) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            return value is not None and not isinstance(target, ast.Name)
    return False


def _is_for_types(node: ast.AST) -> bool:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Import() | ast.ImportFrom():
            return True
        case ast.ClassDef(bases=bases):
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in bases)
        case ast.Assign(targets=[ast.Name()], value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
        case ast.Call(func=ast.Name(id="cast")):
            return True
    return False


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _shown(node: ast.AST, place: Place) -> str:
    text = ast.unparse(node)
    if place.name == "test":
        text = f"{type(place.parent).__name__.lower().removesuffix('exp')} {text}"
    elif place.name == "ifs":
        text = f"if {text}"
    return " ".join(text.split())
