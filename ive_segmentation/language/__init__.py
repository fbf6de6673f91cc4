"""Text in English, Korean, Thai or Japanese -> who is meant, and which thing of theirs."""

from ive_segmentation.language.members import Member, MembersError, load_members, names_to_show
from ive_segmentation.language.parse import parse
from ive_segmentation.language.prompt import EVERYONE, UNKNOWN, Prompt, PromptError, Request

__all__ = [
    "EVERYONE",
    "UNKNOWN",
    "Member",
    "MembersError",
    "Prompt",
    "PromptError",
    "Request",
    "load_members",
    "names_to_show",
    "parse",
]
