"""Names that SQL can't tell apart, numbered and read back."""

import pytest

from dagster_project.decoding.case_twins import is_numbered, original, told_apart
from dagster_project.errors import CloudtallyError
from dagster_project.landing.problems import refuse_case_twins

TAGS = ("resourceTags/", "resource_tags_")


@pytest.mark.parametrize(
    "names",
    [
        ["resourceTags/user:Env", "resourceTags/user:env", "resourceTags/user:ENV"],
        ["resource_tags_user_env", "cost", "resource_tags_user_Env"],
        ["a", "b"],
    ],
)
def test_names_differ_whatever_their_case_and_lead_back(names: list[str]) -> None:
    apart = told_apart(names)

    assert len({name.lower() for name in apart}) == len(names)
    assert [original(name) for name in apart] == names


def test_the_spelling_in_small_letters_keeps_its_name() -> None:
    """Whatever its place: a file of another month has the columns in another order."""
    assert told_apart(["t/Env", "t/env"]) == ["t/Env#case2", "t/env"]
    assert told_apart(["t/env", "t/Env"]) == ["t/env", "t/Env#case2"]
    assert is_numbered("t/Env#case2")
    assert not is_numbered("t/Env#case")


def test_only_names_that_people_choose_may_differ_in_case() -> None:
    refuse_case_twins(["resourceTags/user:Env", "resourceTags/user:env", "Cost"], TAGS, "file")
    for names, prefixes in ((["Cost", "cost"], TAGS), (["resourceTags/a", "resourceTags/A"], ())):
        with pytest.raises(CloudtallyError) as raised:
            refuse_case_twins(names, prefixes, "file")
        assert raised.value.code == "CT-DECODE-DUPLICATE-COLUMN"
        assert names[0] in str(raised.value)
