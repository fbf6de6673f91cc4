"""Prompts to click: one for each way of asking, of the members that there are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ive_segmentation.language import Member, PromptError, parse

# In the languages that the members' names are known in.
_POSSESSIONS = (
    (re.compile("[A-Za-z]"), "{name}'s shirt"),
    (re.compile("[\uac00-\ud7a3]"), "{name}의 셔츠"),
    (re.compile("[\u0e00-\u0e7f]"), "เสื้อของ{name}"),
    (re.compile("[\u30a0-\u30ff]"), "{name}のシャツ"),
)


def example_prompts(members: Sequence[Member]) -> list[str]:
    """Make prompts to click from the members' own names.

    Args:
        members: Who can be named.

    Returns:
        One prompt for each way of asking. None of them would be refused, as a name that two members share is.
    """
    prompts = []
    if members:
        # The member whose name is known in most languages shows most.
        member = max(members, key=lambda member: len(member.aliases))
        prompts.append(member.name)
        for letters, possession in _POSSESSIONS:
            # The shortest alias is the given name alone, which is what people type.
            names = [name for name in (member.name, *sorted(member.aliases, key=len)) if letters.search(name)]
            prompts += [possession.format(name=name) for name in names[:1]]
        prompts.append(f"everyone except {member.name}")
    prompts += ["everyone's shoes", "person"]
    return [prompt for prompt in prompts if _is_understood(prompt, members)]


def _is_understood(prompt: str, members: Sequence[Member]) -> bool:
    try:
        parse(prompt, members)
    except PromptError:
        return False
    return True
