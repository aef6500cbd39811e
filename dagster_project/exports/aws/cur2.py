"""AWS Cost and Usage Report 2.0 (table COST_AND_USAGE_REPORT of Data Exports)."""

from dagster_project.exports.aws.cur_columns import cur2_schema
from dagster_project.exports.aws.data_exports import find_bills
from dagster_project.exports.base import DeclaredExport

EXPORT = DeclaredExport(is_emissions=False, finder=find_bills, declared=(cur2_schema(),))
