"""Virtual tags: who owns a charge, decided by rules that live in git.

Belongs here: reading and checking a rules file, and flattening it for the warehouse. The rules are
executed in SQL by `dbt/macros/virtual_tags.sql`, never row by row in Python.
"""

from dagster_project.rules.model import Condition, Rule, RuleSet
from dagster_project.rules.parse import load_rules, parse_rules
from dagster_project.rules.table import TAG_RULES_COLUMNS, rule_rows

__all__ = [
    "TAG_RULES_COLUMNS",
    "Condition",
    "Rule",
    "RuleSet",
    "load_rules",
    "parse_rules",
    "rule_rows",
]
