"""The pages that a person reads, and what they name."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def pages() -> list[Path]:
    """Every page: the documents and what lies at the top."""
    return sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def links(page: Path) -> list[str]:
    """Targets of the page's links and pictures, without code blocks."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return [link or picture for link, picture in _LINK.findall(text)]


def anchors(page: Path) -> set[str]:
    """The names under which the page's headings can be linked to."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return {_anchor(heading) for heading in _HEADING.findall(text)}


def _anchor(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def code_words(page: Path) -> set[str]:
    """Everything that the page sets in backticks, and each line of its code blocks."""
    text = page.read_text("utf-8")
    blocks = {line.strip() for block in _FENCE.finditer(text) for line in block[0].splitlines()}
    return blocks | set(re.findall(r"`([^`\n]+)`", _FENCE.sub("", text)))
