"""Write the options into docs/configuration.md from the schema: python docs/make_reference.py [FILE]

Everything between the two marks is replaced; the rest of the page is written by hand. A test compares them, so the
page says what the options are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from autohealer.config.load import IN_DEFAULTS, IN_POOL
from autohealer.config.options import Field, Group
from autohealer.config.schema import FIELDS, NOTIFY_FIELDS

PAGE = Path(__file__).parent / "configuration.md"
BEGIN, END = "<!-- made from the schema: make texts -->", "<!-- end of what is made -->"


def reference() -> str:
    """The options by their groups."""
    return "\n".join(line for group in Group for line in _group(group))


def _group(group: Group) -> Iterator[str]:
    fields = [field for field in (*FIELDS.values(), *NOTIFY_FIELDS.values()) if field.option.group is group]
    if not fields:
        return
    yield f"\n### {group.value}\n"
    for field in fields:
        yield from _option(field)


def _option(field: Field) -> Iterator[str]:
    option = field.option
    name = f"`{field.typed} {option.kind.name}`".replace(" `", "`") if field.variable else f"`{field.key}`"
    yield f"**{name}**" + (f" · `{field.variable}`" if field.variable else "") + "  "
    yield f"{option.help}  "
    facts = [f"Default: {_default(field)}."] if _default(field) else []
    if option.example:
        facts.append(f"Example: `{_example(field)}`.")
    facts.append(f"On `reload`: {option.change.value}.")
    if field.key not in IN_POOL and field.key in IN_DEFAULTS:
        facts.append("Only in `[defaults]`.")
    yield " ".join(facts)
    yield ""


def _default(field: Field) -> str:
    if field.default_text:
        return field.default_text if field.option.unset else f"`{field.default_text}`"
    return ""


def _example(field: Field) -> str:
    """As it stands in a file."""
    example, kind = field.option.example, field.option.kind
    if kind.is_pair:
        name, _, value = example.partition("=")
        return f'{field.key} = {{ {name} = "{value}" }}'
    if field.option.many and field.field != "command":
        return f'{field.key} = ["{example}"]'
    is_plain = example in ("true", "false") or (kind.takes_numbers and example.isdigit())
    return f"{field.key} = {example}" if is_plain else f'{field.key} = "{example}"'


def page(former: str) -> str:
    """The page with its options as they are now."""
    before, _, rest = former.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    file.write_text(page(file.read_text(encoding="utf-8")), encoding="utf-8")
