-- Unloads the Google Cloud billing export, detailed or standard, one whole invoice month per run,
-- for Cloudtally.
--
-- Install as a daily scheduled query in the dataset's location (docs/gcp_export.md); replace the
-- two names below. The table is append-only: an invoice month counts as changed when rows of it
-- were appended within `look_back_days`, so late usage and corrections are unloaded as well.
--
-- Amounts are doubles. They leave as decimal text with 18 places, so that the sums in the manifest
-- are sums of exactly what the parts hold. Credits stay inside of their line: joined to it they
-- would repeat its cost.

declare billing_table string default 'PROJECT.DATASET.gcp_billing_export_resource_v1_ACCOUNT';
declare bucket_path string default 'gs://BUCKET/cloudtally/billing';
declare look_back_days int64 default 3;  -- 4000 unloads all that the table has
declare months array<string>;

execute immediate format(
    """
    select array_agg(distinct invoice.month)
    from `%s`
    where export_time >= timestamp_sub(@run_time, interval %d day)
    """,
    billing_table,
    look_back_days
) into months using @run_time as run_time;

for billing in (select month from unnest(months) as month order by month) do
    begin
        declare month_text string default format_date('%Y-%m', parse_date('%Y%m', billing.month));
        declare run_id string default concat(
            format_timestamp('%Y%m%dT%H%M%SZ', current_timestamp()),
            '-',
            substr(generate_uuid(), 1, 8)
        );
        declare folder string default format(
            '%s/month=%s/run=%s', bucket_path, month_text, run_id
        );

        execute immediate format(
            """
            create or replace temp table snapshot as
            select
                charges.* replace (
                    round(cast(cast(cost as string) as bignumeric), 18) as cost,
                    round(cast(cast(cost_at_list as string) as bignumeric), 18) as cost_at_list,
                    array(
                        select as struct
                            credit.* replace (
                                round(cast(cast(credit.amount as string) as bignumeric), 18)
                                as amount
                            )
                        from unnest(credits) as credit with offset as place
                        order by place
                    ) as credits
                )
            from `%s` as charges
            where invoice.month = '%s'
            """,
            billing_table,
            billing.month
        );

        execute immediate format(
            """
            export data options (
                uri = '%s/part-*.parquet', format = 'PARQUET', compression = 'SNAPPY'
            ) as
            select
                snapshot.* replace (
                    cast(cost as string) as cost,
                    cast(cost_at_list as string) as cost_at_list,
                    array(
                        select as struct
                            credit.* replace (cast(credit.amount as string) as amount)
                        from unnest(credits) as credit with offset as place
                        order by place
                    ) as credits
                )
            from snapshot
            """,
            folder
        );

        execute immediate format(
            """
            export data options (uri = '%s/manifest-*.json', format = 'JSON') as
            with
            lines as (
                select
                    cost,
                    cost_at_list,
                    (select sum(credit.amount) from unnest(credits) as credit) as credit_amount,
                from snapshot
            )

            select
                '%s' as run_id,
                '%s' as `table`,
                '%s' as month,
                count(*) as `rows`,
                [
                    struct('cost' as name, cast(ifnull(sum(cost), 0) as string) as total),
                    ('cost_at_list', cast(ifnull(sum(cost_at_list), 0) as string)),
                    ('credits.amount', cast(ifnull(sum(credit_amount), 0) as string)),
                    (
                        'BilledCost',
                        cast(
                            ifnull(sum(cost), 0) + ifnull(sum(credit_amount), 0) as string
                        )
                    )
                ] as sums,
                format_timestamp('%%Y-%%m-%%dT%%H:%%M:%%E6SZ', current_timestamp()) as exported_at,
            from lines
            """,
            folder,
            run_id,
            billing_table,
            month_text
        );
    end;
end for;
