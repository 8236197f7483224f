"""The glossary: made from the words that the chapters list, each explained once and found by its own letter."""

import pytest

from autograder.authoring import build, glossary
from autograder.errors import AuthorError
from introdl.chapters import CHAPTERS


def listed(tmp_path, *items):
    path = tmp_path / "00_why.py"
    lines = [
        "# %% [markdown]",
        "# ## What you know now",
        "#",
        "# ### Words",
        "#",
        *items,
        "#",
        "# ### Next",
        "#",
        "# - More",
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_page_is_what_the_build_makes():
    for path, text in glossary.filled(build.root()).items():
        assert path.read_text() == text, "solutions/glossary.py is stale: run 'make build' and commit the result"


def test_every_chapter_lists_words_and_none_is_explained_twice():
    words = [word for one in CHAPTERS for word in glossary.words_of(build.root() / "solutions" / f"{one.name}.py", one)]
    assert len(words) > 100 and {word.chapter for word in words} == set(CHAPTERS)
    assert len(glossary.page(words)) == len(words) + sum(len(word.others) for word in words)


def test_words_are_in_order_with_a_link_and_those_explained_along_lead_there(tmp_path):
    path = listed(
        tmp_path, "# - **rank**: a place in", "#   an order.", "# - **Adam**: an optimizer. **AdamW** is another one."
    )
    words = list(glossary.words_of(path, CHAPTERS[0]))
    assert [(word.term, word.meaning) for word in words][0] == ("rank", "a place in an order.")
    assert glossary.page(words) == [
        "- **Adam**: an optimizer. **AdamW** is another one. [00](00_why/00_why.ipynb)",
        "- **AdamW**: see **Adam**. [00](00_why/00_why.ipynb)",
        "- **rank**: a place in an order. [00](00_why/00_why.ipynb)",
    ]


def test_a_term_that_is_explained_twice_is_named(tmp_path):
    words = list(glossary.words_of(listed(tmp_path, "# - **rank**: one.", "# - **Rank**: two."), CHAPTERS[0]))
    with pytest.raises(AuthorError, match="00_why: 'Rank' is explained twice"):
        glossary.page(words)


@pytest.mark.parametrize("item, told", [("# - rank: no bold", "is not"), ("# ## Other", "is not")])
def test_an_item_that_is_none_has_its_place(tmp_path, item, told):
    with pytest.raises(AuthorError, match=told):
        list(glossary.words_of(listed(tmp_path, item), CHAPTERS[0]))


def test_a_chapter_without_words_is_told_of(tmp_path):
    path = tmp_path / "00_why.py"
    path.write_text("# %% [markdown]\n# # Title\n")
    with pytest.raises(AuthorError, match="lists no words"):
        list(glossary.words_of(path, CHAPTERS[0]))
