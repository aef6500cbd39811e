"""On-premises FOCUS files, made by whoever charges for the data centre."""

from dataclasses import replace

from dagster_project.exports.generic import focus

EXPORT = replace(focus.EXPORT, names_own_accounts=True)
