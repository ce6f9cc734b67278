"""Parts a template into its frame and what it makes of one paper; both can be rendered with blanks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import jinja2
from jinja2 import meta, nodes
from jinja2.visitor import NodeTransformer

from newsletter.mail.blanks.templates import BlankEnvironment
from newsletter.mail.blanks.values import Blanks, PeekError, mark_of_cards

_OF_THE_MAIL = {"mail", "loop", "self"}


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """What a loop over the papers prints for one, which it calls `name`."""

    name: str
    template: jinja2.Template


@dataclass(frozen=True, slots=True)
class Stencils:
    """One template, parted.

    Attributes:
        frame: everything but the papers; a mark for each loop over them.
        cards: one for each such loop.
        blanks: of all recordings made with them.
    """

    frame: jinja2.Template
    cards: tuple[CardTemplate, ...]
    blanks: Blanks


def stencils(environment: BlankEnvironment, name: str) -> Stencils:
    """A template parted into its frame and the bodies of its loops over `mail.cards`.

    Raises:
        PeekError: what stands in such a loop depends on more than the paper.
        jinja2.TemplateError: the template is broken.
    """
    tree = environment.tree(name)
    stored = Counter(_stored(tree))
    if _any(tree, nodes.Extends, nodes.Block) or "mail" in stored:
        raise PeekError
    once = frozenset(name for name, times in stored.items() if times == 1)
    surroundings = {
        id(loop): _Surroundings(
            known=_definitions(tree, loop, once),
            names=_OF_THE_MAIL | (stored - Counter(_stored(nodes.Template(loop.body)))).keys(),
        )
        for loop in tree.find_all(nodes.For)
    }
    loops = _Loops()
    frame = loops.visit(tree)
    environment.guard(frame)
    return Stencils(
        frame=environment.made(frame, name),
        cards=tuple(
            _card_template(environment, name, loop, surroundings[id(loop)]) for loop in loops.found
        ),
        blanks=environment.blanks,
    )


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What a loop finds around it.

    Attributes:
        names: all that mean something there.
        known: what gives meaning to some of them, once and for all.
    """

    names: set[str]
    known: list[nodes.Node]


class _Loops(NodeTransformer):
    """Puts a mark where a loop over the papers was; what it does without papers stays."""

    def __init__(self) -> None:
        self.found: list[nodes.For] = []

    def visit_For(self, loop: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja's name
        if not _goes_over_cards(loop):
            return self.generic_visit(loop)
        mark = nodes.TemplateData(mark_of_cards(len(self.found)), lineno=loop.lineno)
        self.found.append(loop)
        shown = nodes.Output([mark], lineno=loop.lineno)
        return nodes.If(loop.iter, [shown], [], loop.else_, lineno=loop.lineno)


def _goes_over_cards(loop: nodes.For) -> bool:
    over = loop.iter
    return (
        isinstance(over, nodes.Getattr)
        and over.attr == "cards"
        and isinstance(over.node, nodes.Name)
        and over.node.name == "mail"
        and isinstance(loop.target, nodes.Name)
        and loop.test is None
        and not loop.recursive
    )


def _card_template(
    environment: BlankEnvironment, name: str, loop: nodes.For, around: _Surroundings
) -> CardTemplate:
    """The body of a loop with all that it uses of the template: imports, macros, constants."""
    body = nodes.Template(loop.body, lineno=loop.lineno)
    if _any(body, nodes.Include) or any(map(_sees_all, _imports(body))):
        raise PeekError
    environment.guard(body)
    called = loop.target.name if isinstance(loop.target, nodes.Name) else ""
    used: list[nodes.Node] = []
    while missing := _undeclared(environment, used, body) & around.names - {called}:
        more = [node for node in around.known if node not in used and _given(node) & missing]
        if not more:
            raise PeekError
        used = [node for node in around.known if node in used or node in more]
    return CardTemplate(called, environment.made(_tree(used, body), name))


def _tree(used: list[nodes.Node], body: nodes.Template) -> nodes.Template:
    return nodes.Template([*used, nodes.Scope(body.body, lineno=1)], lineno=1)


def _undeclared(
    environment: BlankEnvironment, used: list[nodes.Node], body: nodes.Template
) -> set[str]:
    tree = _tree(used, body)
    tree.set_environment(environment)
    return meta.find_undeclared_variables(tree)


def _definitions(tree: nodes.Template, loop: nodes.For, once: frozenset[str]) -> list[nodes.Node]:
    """What the template gives names to, once and for all, before a loop."""
    found = []
    for node in tree.body:
        if node is loop or any(one is loop for one in node.find_all(nodes.For)):
            break
        if _given(node) and _given(node) <= once:
            found.append(node)
    return found


def _given(node: nodes.Node) -> frozenset[str]:
    """The names that a statement gives to what never changes."""
    if isinstance(node, nodes.Macro):
        return frozenset((node.name,))
    if isinstance(node, nodes.Import | nodes.FromImport):
        return frozenset() if node.with_context else frozenset(_imported(node))
    if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
        constant = isinstance(node.node, nodes.Const)
        return frozenset((node.target.name,)) if constant else frozenset()
    return frozenset()


def _stored(tree: nodes.Template) -> Iterator[str]:
    """Every name the template gives to something, as often as it does."""
    for name in tree.find_all(nodes.Name):
        if name.ctx != "load":
            yield name.name
    for macro in tree.find_all(nodes.Macro):
        yield macro.name
    for node in _imports(tree):
        yield from _imported(node)


def _imports(tree: nodes.Node) -> Iterator[nodes.Import | nodes.FromImport]:
    yield from tree.find_all(nodes.Import)
    yield from tree.find_all(nodes.FromImport)


def _sees_all(node: nodes.Import | nodes.FromImport) -> bool:
    return bool(node.with_context)


def _imported(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Import):
        yield node.target
    elif isinstance(node, nodes.FromImport):
        for name in node.names:
            yield name if isinstance(name, str) else name[1]


def _any(tree: nodes.Node, *kinds: type[nodes.Node]) -> bool:
    return any(True for kind in kinds for _ in tree.find_all(kind))
