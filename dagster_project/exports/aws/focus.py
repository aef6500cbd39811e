"""AWS FOCUS 1.0 and 1.2 (tables FOCUS_1_0_AWS and FOCUS_1_2_AWS)."""

from dagster_project.exports.aws.data_exports import find_bills
from dagster_project.exports.base import DeclaredExport, focus_schema

EXPORT = DeclaredExport(
    is_emissions=False,
    finder=find_bills,
    declared=(focus_schema("1.2"), focus_schema("1.0")),
)
