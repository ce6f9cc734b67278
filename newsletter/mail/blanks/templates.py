"""Jinja with blanks: whatever a template could learn of one goes through here and is not told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import cast

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context, Macro
from jinja2.visitor import NodeTransformer

from newsletter.mail.blanks.values import PRIVATE, Blanks, PeekError, seen

# Filters that no template can name, put around every expression that is looked at.
_LOOKED_AT, _ASKED, _JOINED, _GONE_OVER = "looked at", "asked", "joined", "gone over"
_ABOUT_BEING_THERE = frozenset(("defined", "undefined", "none"))


class _Context(Context):
    def call(__self, __obj: Callable[..., object], *args: object, **kwargs: object) -> object:  # noqa: N805 - Jinja's names
        """Macros print; any other function would look at what it is given."""
        if not isinstance(__obj, Macro):
            for arg in (*args, *(arg for name, arg in kwargs.items() if name[:1] != "_")):
                seen(arg)
        return super().call(__obj, *args, **kwargs)


class BlankEnvironment(jinja2.Environment):
    """Renders as another environment does, but for the blanks (see `mail.blanks`).

    Attributes:
        blanks: of the present recording.
    """

    context_class = _Context

    def __init__(self, plain: jinja2.Environment) -> None:
        super().__init__(
            loader=plain.loader,
            autoescape=plain.autoescape,
            undefined=plain.undefined,
            trim_blocks=plain.trim_blocks,
            lstrip_blocks=plain.lstrip_blocks,
            keep_trailing_newline=plain.keep_trailing_newline,
        )
        self.blanks = Blanks(escapes=bool(plain.autoescape))
        printer = plain.finalize or str
        self.finalize = lambda value: self.blanks.print(value, printer)
        self.filters = {
            **{name: self._filter(function) for name, function in plain.filters.items()},
            _LOOKED_AT: seen,
            _ASKED: self.blanks.truth,
            _JOINED: _joined,
            _GONE_OVER: _gone_over,
        }
        tests = cast("Mapping[str, Callable[..., object]]", plain.tests)
        self.tests = {name: _test(name, function) for name, function in tests.items()}

    def tree(self, name: str) -> nodes.Template:
        """A template as it is written, unguarded.

        Raises:
            jinja2.TemplateError: there is none, or it is broken.
            PeekError: it holds characters that stand for blanks.
        """
        if self.loader is None:
            raise jinja2.TemplateNotFound(name)
        source = self.loader.get_source(self, name)[0]
        return self._plain_tree(source, name, name)

    def guard(self, tree: nodes.Template) -> None:
        """Puts a guard before every question a template asks."""
        _Guards().visit(tree)

    def made(self, tree: nodes.Template, name: str) -> jinja2.Template:
        """A guarded tree as a template; errors name the file `name`."""
        tree.set_environment(self)
        code = self.compile(tree, name, name)
        return jinja2.Template.from_code(self, code, self.make_globals(None))

    def getattr(self, obj: object, attribute: str) -> object:
        """Texts and lists have methods that look at what they hold."""
        return super().getattr(_known(obj, str, list, tuple, dict), attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Text is looked at, and so is a key; what lies in a list is only taken out."""
        return super().getitem(_known(obj, str, dict), seen(argument))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = self._plain_tree(source, name, filename)
        self.guard(tree)
        return tree

    def _plain_tree(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if PRIVATE.search(source):
            raise PeekError
        return super()._parse(source, name, filename)

    def _filter(self, function: Callable[..., object]) -> Callable[..., object]:
        # One that wants to know where it stands cannot be applied anywhere else.
        wants = hasattr(function, "jinja_pass_arg")
        return _looking(function) if wants else self.blanks.defer(function)


def _test(name: str, function: Callable[..., object]) -> Callable[..., object]:
    return function if name in _ABOUT_BEING_THERE else _looking(function)


def _looking(function: Callable[..., object]) -> Callable[..., object]:
    """A function that looks at everything a template gives it."""
    own = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def looking(*args: object, **kwargs: object) -> object:
        for arg in (*args[own:], *kwargs.values()):
            seen(arg)
        return function(*args, **kwargs)

    return looking


def _known(value: object, *kinds: type) -> object:
    return seen(value) if isinstance(value, kinds) else value


def _joined(value: object) -> object:
    """A text may be joined to others; anything else would show what it holds in Python's words."""
    return value if isinstance(value, str) else seen(value)


def _gone_over(value: object) -> object:
    return _known(value, str, dict)


class _Guards(NodeTransformer):
    """Wraps what is compared, cut, asked or computed with."""

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - Jinja's names
        self.generic_visit(node)
        node.expr = _guarded(node.expr, _LOOKED_AT)
        for operand in node.ops:
            operand.expr = _guarded(operand.expr, _LOOKED_AT)
        return node

    def visit_Mod(self, node: nodes.BinExpr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.left = _guarded(node.left, _LOOKED_AT)
        node.right = _guarded(node.right, _LOOKED_AT)
        return node

    visit_Add = visit_Mul = visit_Mod  # noqa: N815 - a blank may be a number

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [_guarded(one, _JOINED) for one in node.nodes]
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):  # everything else goes through `getitem`
            node.node = _guarded(node.node, _LOOKED_AT)
        return node

    def visit_If(self, node: nodes.If | nodes.CondExpr) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.test = _guarded(node.test, _ASKED)
        return node

    visit_CondExpr = visit_If  # noqa: N815

    def visit_And(self, node: nodes.And | nodes.Or) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.left = _guarded(node.left, _ASKED)
        return node

    visit_Or = visit_And  # noqa: N815

    def visit_Not(self, node: nodes.Not) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.node = _guarded(node.node, _ASKED)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _guarded(node.iter, _GONE_OVER)
        if node.test is not None:
            node.test = _guarded(node.test, _ASKED)
        return node

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802
        if isinstance(node.value, str) and PRIVATE.search(node.value):
            raise PeekError
        return node


def _guarded(expression: nodes.Node, by: str) -> nodes.Filter:
    return nodes.Filter(expression, by, [], [], None, None, lineno=expression.lineno)
