-- Unloads Google Cloud Carbon Footprint, one whole usage month per run, for Cloudtally.
--
-- Install as a monthly scheduled query on day 16 or later, in the dataset's location
-- (docs/gcp_export.md); replace the two names below. Google adds a month on day 15 of the next
-- one and never recomputes older months by itself: after a backfill, run it once with a larger
-- `months_back`.
--
-- Amounts are doubles. They leave as decimal text with 18 places, so that the sums in the
-- manifest are sums of exactly what the parts hold.

declare carbon_table string default 'PROJECT.DATASET.carbon_footprint';
declare bucket_path string default 'gs://BUCKET/cloudtally/carbon';
declare months_back int64 default 1;
declare months array<date>;

execute immediate format(
    """
    select array_agg(distinct usage_month)
    from `%s`
    where usage_month >= date_sub(date_trunc(@run_date, month), interval %d month)
    """,
    carbon_table,
    months_back
) into months using @run_date as run_date;

for usage in (select month from unnest(months) as month order by month) do
    begin
        declare month_text string default format_date('%Y-%m', usage.month);
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
            with
            footprint as (
                select
                    usage_month,
                    billing_account_id,
                    project,
                    service,
                    location,
                    carbon_model_version,
                    round(
                        cast(cast(carbon_footprint_kgCO2e.scope1 as string) as bignumeric), 18
                    ) as scope1,
                    round(
                        cast(
                            cast(carbon_footprint_kgCO2e.scope2.location_based as string)
                            as bignumeric
                        ),
                        18
                    ) as scope2_location,
                    round(
                        cast(
                            cast(carbon_footprint_kgCO2e.scope2.market_based as string)
                            as bignumeric
                        ),
                        18
                    ) as scope2_market,
                    round(
                        cast(cast(carbon_footprint_kgCO2e.scope3 as string) as bignumeric), 18
                    ) as scope3,
                    round(
                        cast(
                            cast(carbon_footprint_total_kgCO2e.location_based as string)
                            as bignumeric
                        ),
                        18
                    ) as total_location,
                    round(
                        cast(
                            cast(carbon_footprint_total_kgCO2e.market_based as string)
                            as bignumeric
                        ),
                        18
                    ) as total_market,
                from `%s`
                where usage_month = date '%s'
            )

            select * from footprint
            """,
            carbon_table,
            format_date('%F', usage.month)
        );

        execute immediate format(
            """
            export data options (
                uri = '%s/part-*.parquet', format = 'PARQUET', compression = 'SNAPPY'
            ) as
            select
                usage_month,
                billing_account_id,
                project,
                service,
                location,
                carbon_model_version,
                struct(
                    cast(scope1 as string) as scope1,
                    struct(
                        cast(scope2_location as string) as location_based,
                        cast(scope2_market as string) as market_based
                    ) as scope2,
                    cast(scope3 as string) as scope3
                ) as carbon_footprint_kgCO2e,
                struct(
                    cast(total_location as string) as location_based,
                    cast(total_market as string) as market_based
                ) as carbon_footprint_total_kgCO2e,
            from snapshot
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
                        'carbon_footprint_kgCO2e.scope1' as name,
                        cast(ifnull(sum(scope1), 0) as string) as total
                    ),
                    (
                        'carbon_footprint_kgCO2e.scope2.location_based',
                        cast(ifnull(sum(scope2_location), 0) as string)
                    ),
                    (
                        'carbon_footprint_kgCO2e.scope2.market_based',
                        cast(ifnull(sum(scope2_market), 0) as string)
                    ),
                    (
                        'carbon_footprint_kgCO2e.scope3',
                        cast(ifnull(sum(scope3), 0) as string)
                    ),
                    (
                        'carbon_footprint_total_kgCO2e.location_based',
                        cast(ifnull(sum(total_location), 0) as string)
                    ),
                    (
                        'carbon_footprint_total_kgCO2e.market_based',
                        cast(ifnull(sum(total_market), 0) as string)
                    )
                ] as sums,
                format_timestamp('%%Y-%%m-%%dT%%H:%%M:%%E6SZ', current_timestamp()) as exported_at,
            from snapshot
            """,
            folder,
            run_id,
            carbon_table,
            month_text
        );
    end;
end for;
