"""Ledger accounts: which account a piece of spend belongs to, by rules in a file.

Belongs here: the form of the file and the choice of an account. The first rule whose every
condition holds names the account; where none does, the account for what is unmapped.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from dagster_project.errors import CloudtallyError

Side = Literal["expense", "payable", "prepaid", "accrued"]
CONDITIONS = (
    "billing_account_id",
    "charge_category",
    "cost_center",
    "entry",
    "environment",
    "provider",
    "service_category",
)
"""What a rule may look at: columns of `mart_spend_booked`."""

_PACKAGED = "default_ledger_accounts.yaml"
_KEPT = "nothing was written."
_HELP = "docs/books.md lists what may stand in the file."


class Account(BaseModel):
    """One account of the general ledger."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = Field(min_length=1)
    name: str = ""

    @field_validator("account", mode="before")
    @classmethod
    def _is_text(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            raise ValueError("write the account in quotes: a number would lose its leading zeros")
        return value


class AccountRule(Account):
    """An account with the spend that belongs to it.

    Attributes:
        when: Patterns by column; `*` stands for any text, case doesn't matter. A column that is
            empty matches nothing.
    """

    when: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("when", mode="before")
    @classmethod
    def _patterns_are_lists(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("write conditions as a mapping, such as {provider: aws}")
        unknown = sorted(str(column) for column in set(value) - set(CONDITIONS))
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is no column to look at; there are: {', '.join(CONDITIONS)}"
            )
        return {
            column: (patterns,) if isinstance(patterns, str) else patterns
            for column, patterns in value.items()
        }

    def holds(self, spend: Mapping[str, str | None]) -> bool:
        """Tell whether every condition holds of a piece of spend."""
        return all(_matches(spend.get(column), patterns) for column, patterns in self.when.items())


class Chart(BaseModel):
    """The file of ledger accounts.

    Attributes:
        expense: Debited with effective cost.
        payable: Credited with billed cost.
        prepaid: Takes what is billed and not yet effective, and gives it back.
        accrued: Credited with what is accrued.
        rounding: Takes the minor unit by which rounded sides differ.
        unmapped: Where spend goes that no rule of its side names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    expense: tuple[AccountRule, ...] = ()
    payable: tuple[AccountRule, ...] = ()
    prepaid: tuple[AccountRule, ...] = ()
    accrued: tuple[AccountRule, ...] = ()
    rounding: Account
    unmapped: Account

    def account(self, side: Side, spend: Mapping[str, str | None]) -> Account:
        """Return the account of a piece of spend on one side of the journal."""
        rules: tuple[AccountRule, ...] = getattr(self, side)
        found = next((rule for rule in rules if rule.holds(spend)), self.unmapped)
        return Account(account=found.account, name=found.name)


def load_chart(path: Path | None = None) -> Chart:
    """Read a file of ledger accounts; the packaged one, which maps little, without a path.

    Raises:
        CloudtallyError: CT-ACCOUNTS-MISSING, CT-ACCOUNTS-YAML or CT-ACCOUNTS-INVALID.
    """
    if path is None:
        text = (resources.files("dagster_project.books") / _PACKAGED).read_text(encoding="utf-8")
        return _parse(text, _PACKAGED)
    try:
        return _parse(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise CloudtallyError(
            "CT-ACCOUNTS-MISSING",
            f"The file of ledger accounts can't be opened: {error.strerror}.",
            where={"file": path},
            kept=_KEPT,
            next_step="Correct `ledger-accounts:` in cloudtally.yaml, or remove it.",
        ) from None
    except UnicodeDecodeError:
        raise _unreadable(str(path), None) from None


def _parse(text: str, file: str) -> Chart:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _unreadable(file, mark.line + 1 if mark else None) from None
    if not isinstance(raw, dict):
        raise _unreadable(file, None)
    try:
        return Chart(**raw)
    except (ValidationError, TypeError) as error:
        raise CloudtallyError(
            "CT-ACCOUNTS-INVALID",
            f"The file of ledger accounts is not valid: {_problems(error)}.",
            where={"file": file},
            kept=_KEPT,
            next_step=_HELP,
        ) from None


def _problems(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return "its keys must be words"
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )


def _unreadable(file: str, line: int | None) -> CloudtallyError:
    return CloudtallyError(
        "CT-ACCOUNTS-YAML",
        "The file of ledger accounts is no readable YAML mapping.",
        where={"file": file, "line": line},
        kept=_KEPT,
        next_step=_HELP,
    )


def _matches(value: str | None, patterns: tuple[str, ...]) -> bool:
    folded = (value or "").casefold()
    return bool(folded) and any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)
