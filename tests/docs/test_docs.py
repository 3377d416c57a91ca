"""What the documents name is there: links and their anchors, the tests behind each promise, and every
file of src/ in ARCHITECTURE.md."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
DURABILITY = (ROOT / "docs/durability.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def anchors(page):
    """Of its headings, as Git hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_proofs_are_tests():
    """`unit.x.test_y` is a program, `wire.x` a file, and what follows either a function in it."""
    promises = DURABILITY[:DURABILITY.index("## What is not promised")]
    proofs = re.findall(r"^\|.*\|(.*)\|$", promises, re.MULTILINE)
    where, n = [], 0
    for name in re.findall(r"`([^`]+)`", "".join(proofs)):
        unit = re.fullmatch(r"unit\.(\w+)\.(test_\w+)", name)
        wire = re.fullmatch(r"wire\.(\w+)", name)
        if unit or wire:
            path = f"unit/{unit[1]}/{unit[2]}.c" if unit else f"wire/test_{wire[1]}.py"
            where.append(ROOT / "tests" / path)
            assert where[-1].exists(), name
            n += 1
        elif re.fullmatch(r"[a-z]\w*_\w+", name):
            assert re.search(rf"\b{name}\(", where[-1].read_text()), f"{name} in {where[-1]}"
    assert n > 30


def test_each_file_has_its_line():
    files = ARCHITECTURE[ARCHITECTURE.index("## Files"):]
    named = set(re.findall(r"`([^`]+)`", files))
    sources = [p for p in (ROOT / "src").rglob("*") if p.suffix in (".c", ".h", ".cc")]
    private = [p for p in sources if p.stem.endswith("_private")]
    missing = [p for p in sources if p not in private and not named & {
        p.stem, p.name, f"{p.parent.name}/{p.stem}", f"{p.parent.name}/{p.name}"}]
    assert missing == []
    assert len(sources) > 300
