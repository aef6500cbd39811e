{{ config(materialized='table') }}

with reported as (
    select distinct
        source_name,
        x_Provider as provider,
        usage_month,
        lower(coalesce(billing_account_id, '')) as billing_account_id,
        lower(coalesce(sub_account_id, '')) as sub_account_id,
        is_current
    from {{ ref('int_emissions__unioned') }}
),

current_accounts as (
    select * from reported
    where is_current
),

older_accounts as (
    select * from reported
    where not is_current
)

-- Cardinality: an account of an older version is at most once in the current one.
select
    older_accounts.source_name,
    older_accounts.provider,
    older_accounts.usage_month,
    count(*) as older_accounts,
    sum(case when current_accounts.source_name is null then 1 else 0 end) as lost_accounts,
    min(case
        when current_accounts.source_name is null
            then concat(older_accounts.billing_account_id, '/', older_accounts.sub_account_id)
    end) as first_lost_account
from older_accounts
left join current_accounts
    on
        older_accounts.source_name = current_accounts.source_name
        and older_accounts.usage_month = current_accounts.usage_month
        and older_accounts.billing_account_id = current_accounts.billing_account_id
        and older_accounts.sub_account_id = current_accounts.sub_account_id
group by older_accounts.source_name, older_accounts.provider, older_accounts.usage_month
