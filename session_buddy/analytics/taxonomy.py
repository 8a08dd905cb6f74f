"""What kind of work a skill does, and on what, by the words of its name and description.

Rules, not a model: each category has words that speak for it; a word in the name counts three times one in
the description, because names are chosen and descriptions mention much. The confidence is the share of the
winner's points among all points, shrunk towards none by two points. Wrong guesses are overruled by the user
(`skill_categorised` events), and nothing else depends on them.

>>> category_of("superpowers:test-driven-development", "Write the failing test before the code").value
'testing'
>>> modality_of("pdf", "Fill forms and extract text from PDF documents").value
'document'
>>> category_of("xyzzy", "") is None
True
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CATEGORIES: Final[Mapping[str, str]] = {
    "development": "writes or changes a program",
    "testing": "makes or runs tests, or looks for the cause of a failure",
    "quality": "reviews, formats or checks what was written",
    "documentation": "writes for people: documents, notes, messages",
    "deployment": "builds, releases, or operates what runs",
    "analysis": "plans, researches, or looks into data",
}
"""The built-in categories with what each is for."""
_CATEGORY_WORDS: Final[Mapping[str, str]] = {
    "development": "code coding implement develop development build-feature refactor migrate api frontend "
    "backend component scaffold generate create feature program function class library sdk mcp builder app",
    "testing": "test tests testing tdd debug debugging bug bugs reproduce failing failure coverage e2e "
    "playwright webapp-testing regression fixture mock root-cause",
    "quality": "review reviews reviewing lint linting format formatting security audit check checks quality "
    "verify verification validate style simplify clean cleanup standards compliance",
    "documentation": "document documents documentation docs doc readme changelog write writing writer "
    "explain notes comment comments translate presentation slides report message communication",
    "deployment": "deploy deployment release releases publish ship ci cd pipeline docker kubernetes "
    "terraform infrastructure rollback monitor commit push merge branch git worktree version",
    "analysis": "analyze analyse analysis plan planning plans research investigate explore data query sql "
    "metrics brainstorm brainstorming design architecture estimate compare summarize summary dashboard",
}
_MODALITY_WORDS: Final[Mapping[str, str]] = {
    "text": "text prose writing write message email notes translate summary comment changelog readme",
    "code": "code coding test tests tdd refactor debug bug lint function class api git commit branch program "
    "library implementation migrate deploy review",
    "image": "image images picture png jpg jpeg svg screenshot icon logo canvas art photo poster diagram gif",
    "audio": "audio sound speech voice podcast music transcribe transcription mp3 wav",
    "video": "video videos film clip mp4 animation screencast",
    "document": "pdf docx word pptx slides presentation document documents form forms spreadsheet-document",
    "data": "data csv xlsx excel spreadsheet sql database query table dataset json metrics dashboard chart",
    "web": "web website browser html css frontend page playwright url http site webapp react artifacts",
}
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME_WEIGHT = 3
_SHRINK = 2


@dataclass(frozen=True, slots=True)
class Assigned:
    """A category or modality with a confidence 0..1."""

    value: str
    confidence: float


def category_of(skill_name: str, description: str) -> Assigned | None:
    """The category that the words speak for; None if no word does."""
    return _best(_CATEGORY_WORDS, skill_name, description)


def modality_of(skill_name: str, description: str) -> Assigned | None:
    """What the skill works on: `text code image audio video document data web`; None if no word says."""
    return _best(_MODALITY_WORDS, skill_name, description)


def _best(words: Mapping[str, str], skill_name: str, description: str) -> Assigned | None:
    points: Counter[str] = Counter()
    for text, weight in ((skill_name.rpartition(":")[2], _NAME_WEIGHT), (description, 1)):
        spoken = _words(text)
        for value, known in words.items():
            points[value] += weight * len(spoken & set(known.split()))
    total = points.total()
    if total == 0:
        return None
    value = max(words, key=lambda name: points[name])
    return Assigned(value, points[value] / (total + _SHRINK))


def _words(text: str) -> set[str]:
    found = set(_WORD.findall(text.lower().replace("_", "-")))
    return found | {part for word in found for part in word.split("-")}
