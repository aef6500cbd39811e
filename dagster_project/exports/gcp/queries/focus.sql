-- Unloads the Google Cloud FOCUS export, one whole invoice month per run, for Cloudtally.
--
-- Install as a daily scheduled query in the dataset's location (docs/gcp_export.md); replace the
-- two names below. The table is append-only: a month counts as changed when rows of it were
-- appended within `look_back_days`, so a late correction of an old month is unloaded as well.
--
-- The uri of EXPORT DATA has to be a constant, hence the dynamic statements. Rows, sums and parts
-- come from one snapshot; the manifest is written last.

declare focus_table string default 'PROJECT.DATASET.gcp_billing_export_focus_ACCOUNT';
declare bucket_path string default 'gs://BUCKET/cloudtally/focus';
declare look_back_days int64 default 3;  -- 800 unloads all that the table still has
declare months array<date>;

execute immediate format(
    """
    select array_agg(distinct date_trunc(date(BillingPeriodStart), month))
    from `%s`
    where x_ExportTime >= timestamp_sub(@run_time, interval %d day)
    """,
    focus_table,
    look_back_days
) into months using @run_time as run_time;

for billing in (select month from unnest(months) as month order by month) do
    begin
        declare month_text string default format_date('%Y-%m', billing.month);
        declare run_id string default concat(
            format_timestamp('%Y%m%dT%H%M%SZ', current_timestamp()),
            '-',
            substr(generate_uuid(), 1, 8)
        );
        declare folder string default format(
            '%s/month=%s/run=%s', bucket_path, month_text, run_id
        );

        -- The table has labels and tags in lists of records; FOCUS has one column for them. A
        -- resource's label wins over its project's label, and that over a tag. The lists stay.
        execute immediate format(
            """
            create or replace temp table snapshot as
            with
            charges as (
                select *
                from `%s`
                where date_trunc(date(BillingPeriodStart), month) = date '%s'
            )

            select
                charges.* replace (
                    to_json_string(x_Credits) as x_Credits,
                    to_json_string(x_Project) as x_Project,
                    to_json_string(x_SystemLabels) as x_SystemLabels,
                    to_json_string(x_Labels) as x_Labels,
                    to_json_string(x_ProjectLabels) as x_ProjectLabels,
                    to_json_string(x_Tags) as x_Tags
                ),
                (
                    select to_json_string(
                        json_object(
                            ifnull(array_agg(tag_key order by tag_key), []),
                            ifnull(array_agg(tag_value order by tag_key), [])
                        )
                    )
                    from (
                        select
                            tag_key,
                            array_agg(tag_value order by priority limit 1)[offset(0)] as tag_value,
                        from (
                            select Key as tag_key, Value as tag_value, 1 as priority
                            from unnest(x_Labels)
                            union all
                            select Key as tag_key, Value as tag_value, 2 as priority
                            from unnest(x_ProjectLabels)
                            union all
                            select Key as tag_key, Value as tag_value, 3 as priority
                            from unnest(x_Tags)
                        )
                        where tag_key is not null
                        group by tag_key
                    )
                ) as Tags,
            from charges
            """,
            focus_table,
            format_date('%F', billing.month)
        );

        execute immediate format(
            """
            export data options (
                uri = '%s/part-*.parquet', format = 'PARQUET', compression = 'SNAPPY'
            ) as
            select * from snapshot
            """,
            folder
        );

        execute immediate format(
            """
            export data options (uri = '%s/manifest-*.json', format = 'JSON') as
            select
                '%s' as run_id,
                '%s' as `table`,
                '%s' as month,
                count(*) as `rows`,
                [
                    struct(
                        'BilledCost' as name,
                        cast(ifnull(sum(BilledCost), 0) as string) as total
                    ),
                    ('EffectiveCost', cast(ifnull(sum(EffectiveCost), 0) as string)),
                    ('ListCost', cast(ifnull(sum(ListCost), 0) as string)),
                    ('ContractedCost', cast(ifnull(sum(ContractedCost), 0) as string))
                ] as sums,
                format_timestamp('%%Y-%%m-%%dT%%H:%%M:%%E6SZ', current_timestamp()) as exported_at,
            from snapshot
            """,
            folder,
            run_id,
            focus_table,
            month_text
        );
    end;
end for;
