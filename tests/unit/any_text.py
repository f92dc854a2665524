"""The characters that a text may have, for tests by properties."""

from __future__ import annotations

from hypothesis import strategies as st

# By category: Hypothesis tries a codec, its default, on each of a million characters: 8 s of CPU in
# each process of a clean checkout.
CHARACTERS = st.characters(exclude_categories=["Cs"])
