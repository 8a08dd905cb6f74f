"""The files of the page: nothing from elsewhere, nothing inline, and what is not ours as it was shipped."""

import re
from hashlib import sha256
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "session_buddy" / "assets" / "page"
OF_OTHERS = {
    "uPlot.esm.js": "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
OWN = sorted(file for file in PAGE.iterdir() if file.name not in OF_OTHERS and file.suffix != ".md")
NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_a_file_names_no_other_place(file: Path) -> None:
    text = file.read_text("utf-8").replace(NAMESPACE, "")
    assert re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]+|@import|\burl\(", text) == []


def test_the_page_has_no_inline_script_or_style() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html) == []


def test_every_part_that_is_asked_for_is_there() -> None:
    html = (PAGE / "index.html").read_text("utf-8")
    wanted = set(re.findall(r'(?:src|href)="([^"#]+)"', html))
    for script in PAGE.glob("*.js"):
        wanted |= set(re.findall(r'^import .* from "\./([^"]+)";$', script.read_text("utf-8"), re.MULTILINE))
    present = {file.name for file in PAGE.iterdir()}
    assert wanted <= present
    assert {name for name in present if name.endswith(".js")} <= wanted


def test_what_is_not_ours_is_unchanged_and_its_licence_beside_it() -> None:
    found = {name: sha256((PAGE / name).read_bytes()).hexdigest() for name in OF_OTHERS}
    notice = (PAGE / "NOTICE.md").read_text("utf-8")
    assert found == OF_OTHERS
    assert all(name in notice for name in OF_OTHERS)
    assert "The MIT License" in notice
