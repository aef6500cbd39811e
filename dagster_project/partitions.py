"""The one place that says what a partition is: a billing month (for emissions, a usage month)."""

import dagster as dg

from dagster_project.months import Month, month_range, parse_month

billing_months = dg.MonthlyPartitionsDefinition(start_date="2015-01", fmt="%Y-%m", end_offset=1)

# Dagster takes a range of partitions in one run only if no selected asset forbids it, and an asset
# without partitions forbids it too unless it says otherwise.
one_run = dg.BackfillPolicy.single_run()


def months_of(context: dg.AssetExecutionContext) -> list[Month]:
    """Return the months that a run covers, one partition or a range."""
    keys = context.partition_key_range
    return list(month_range(parse_month(keys.start), parse_month(keys.end)))


def range_tags(months: list[Month]) -> dict[str, str]:
    """Return the run tags that make one run cover all months from the first to the last."""
    return {
        "dagster/asset_partition_range_start": f"{min(months):%Y-%m}",
        "dagster/asset_partition_range_end": f"{max(months):%Y-%m}",
    }
