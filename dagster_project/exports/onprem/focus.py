"""On-premises FOCUS files: what the organisation's own data centre recharges to it."""

from dataclasses import replace

from dagster_project.exports.generic import focus

EXPORT = replace(focus.EXPORT, names_own_accounts=True, is_internal=True)
