"""What kind of work a skill does, and on what: what the user said, else what the rules say now."""

from dataclasses import dataclass

from session_buddy.analytics.taxonomy import Assigned, category_of, modality_of
from session_buddy.models.findings import FindingsStorageProtocol, Placed


@dataclass(frozen=True, slots=True)
class Kind:
    """Category and modality of one skill, each with who says so; None where no word speaks for any."""

    category: Placed | None
    modality: Placed | None

    @property
    def told(self) -> str:
        """Who decided, in words; empty where the user said nothing."""
        by_user = [
            f"{name} {placed.value}"
            for name, placed in (("category", self.category), ("modality", self.modality))
            if placed is not None and placed.assigned_by == "user"
        ]
        return f" As you said: {', '.join(by_user)}." if by_user else ""


def kind_of(findings: FindingsStorageProtocol, skill_name: str, description: str) -> Kind:
    """The kind of a skill; the tables need not have been kept up since it appeared."""
    categories = {placed.skill_name: placed for placed in findings.categories()}
    modalities = {placed.skill_name: placed for placed in findings.modalities()}
    return Kind(
        _placed(skill_name, categories.get(skill_name), category_of(skill_name, description)),
        _placed(skill_name, modalities.get(skill_name), modality_of(skill_name, description)),
    )


def _placed(skill_name: str, kept: Placed | None, guess: Assigned | None) -> Placed | None:
    if kept is not None and kept.assigned_by == "user":
        return kept
    return None if guess is None else Placed(skill_name, guess.value, guess.confidence, "rule")
