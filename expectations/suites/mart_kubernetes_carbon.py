"""What the reader of clusters and namespaces may rely on."""

from collections.abc import Mapping, Sequence

from expectations.promises import (
    Promise,
    Scope,
    Suite,
    all_filled,
    between,
    columns_in_order,
    never,
    none_negative,
    one_of,
    one_row_per,
)
from expectations.suites.common import (
    COLUMNS_FIXED,
    first_of_month,
    known_provider,
    methods_kept_apart,
    reported_not_negative,
)

RELATION = "mart_kubernetes_carbon"
GRAIN = (
    "billing_month",
    "usage_month",
    "provider",
    "sub_account_id",
    "cluster_name",
    "namespace",
    "billing_currency",
)
KINDS = ("namespace", "system", "unallocated", "unsupported", "unknown")
MEASURES = {
    "effective_cost": "EffectiveCost",
    "estimated_energy_kwh": "x_EstimatedEnergyKwh",
    "estimated_operational_kg": "x_EstimatedOperationalKg",
    "estimated_embodied_kg": "x_EstimatedEmbodiedKg",
    "estimated_carbon_kg": "x_EstimatedCarbonKg",
    "carbon_location_kg": "x_CarbonLocationKg",
    "carbon_market_kg": "x_CarbonMarketKg",
    "carbon_unspecified_kg": "x_CarbonUnspecifiedKg",
}
ESTIMATES = tuple(name for name in MEASURES if name.startswith("estimated_"))
COUNTS = (
    "charge_lines",
    "estimable_lines",
    "estimated_lines",
    "reportable_lines",
    "reported_lines",
)
RATIOS = ("effective_cost_ratio", "estimated_energy_ratio")
COLUMNS = (*GRAIN[:-1], "namespace_kind", GRAIN[-1], *MEASURES, *COUNTS, *RATIOS)

TAGS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("cluster", "AllocatedTags"): (
        ("aws", "aws:eks:cluster-name"),
        ("aws", "aws_eks_cluster_name"),
    ),
    ("cluster", "Tags"): (
        ("any", "k8s.cluster.name"),
        ("aws", "aws:eks:cluster-name"),
        ("aws", "aws_eks_cluster_name"),
        ("aws", "eks:cluster-name"),
        ("aws", "eks_cluster_name"),
        ("aws", "KubernetesCluster"),
        ("aws", "kubernetes_cluster"),
        ("azure", "aks-managed-cluster-name"),
        ("gcp", "goog-k8s-cluster-name"),
    ),
    ("namespace", "AllocatedTags"): (
        ("aws", "aws:eks:namespace"),
        ("aws", "aws_eks_namespace"),
    ),
    ("namespace", "Tags"): (
        ("any", "k8s.namespace.name"),
        ("aws", "aws:eks:namespace"),
        ("aws", "aws_eks_namespace"),
        ("aws", "kubernetes.io/created-for/pvc/namespace"),
        ("aws", "kubernetes_io_created_for_pvc_namespace"),
        ("azure", "kubernetes.io-created-for-pvc-namespace"),
        ("gcp", "k8s-namespace"),
    ),
}
_POD = ("aws", "arn:aws%:eks:%:pod/%", ":pod/")
IDS: Mapping[tuple[str, str], tuple[tuple[str, str, str, int], ...]] = {
    ("cluster", "AllocatedResourceId"): ((*_POD, 1),),
    ("cluster", "ResourceId"): (
        ("aws", "arn:aws%:eks:%:cluster/%", ":cluster/", 1),
        (*_POD, 1),
        (
            "azure",
            "%/providers/microsoft.containerservice/managedclusters/%",
            "/managedclusters/",
            1,
        ),
        ("gcp", "//container.googleapis.com/projects/%/clusters/%", "/clusters/", 1),
    ),
    ("namespace", "AllocatedResourceId"): ((*_POD, 2),),
    ("namespace", "ResourceId"): ((*_POD, 2),),
}
"""Where bills name a cluster or a namespace: said here once more than in the seed, so that the fact
can be asked without the model that sorts it."""
PLACES = ("AllocatedTags", "AllocatedResourceId", "Tags", "ResourceId")


def _promises(scope: Scope) -> Sequence[Promise]:
    return (*_shape(), *_carbon(), *_sharing(), _holds_every_line(scope))


def _shape() -> Sequence[Promise]:
    return (
        columns_in_order(COLUMNS, COLUMNS_FIXED),
        one_row_per(
            "one_row_per_namespace",
            GRAIN,
            "One row per month, account, cluster, namespace and currency: none stands twice.",
        ),
        all_filled(
            (
                "billing_month",
                "usage_month",
                "provider",
                "namespace_kind",
                "billing_currency",
                "effective_cost",
            ),
            "Every row says its months, its provider, its kind and what it cost in which currency.",
        ),
        known_provider(),
        first_of_month("usage_month"),
        one_of(
            "kind_known",
            "namespace_kind",
            KINDS,
            "A row is of a team's namespace, of the system, unallocated, or what the provider "
            "doesn't or couldn't allocate.",
        ),
        never(
            "without_a_namespace_is_unallocated",
            """
            select * from batch where namespace is null and namespace_kind <> 'unallocated'
            """,
            "Lines without a namespace are unallocated: nobody's share is guessed.",
        ),
        none_negative(
            "nothing_negative",
            (*ESTIMATES, *COUNTS),
            "Estimated energy and emissions, and counts, are not below zero.",
        ),
        never(
            "counts_fit",
            """
            select * from batch
            where charge_lines = 0 or estimated_lines > estimable_lines
                or estimable_lines > charge_lines or reported_lines > reportable_lines
                or reportable_lines > charge_lines
            """,
            "Lines with a figure are among those that could have one, and these among all.",
        ),
    )


def _carbon() -> Sequence[Promise]:
    return (
        never(
            "unknown_is_null",
            "select * from batch where (estimated_carbon_kg is null) <> (estimated_lines = 0)",
            "Without an estimate there is no figure: it is empty, never 0.",
        ),
        never(
            "estimate_is_sum_of_parts",
            """
            select * from batch
            where estimated_carbon_kg
                <> coalesce(estimated_operational_kg, 0) + coalesce(estimated_embodied_kg, 0)
            """,
            "The estimate is use plus making, and no reported figure is in it.",
        ),
        reported_not_negative(("carbon_location_kg", "carbon_market_kg", "carbon_unspecified_kg")),
        methods_kept_apart(),
    )


def _sharing() -> Sequence[Promise]:
    return (
        never(
            "only_namespaces_have_ratios",
            f"""
            select * from batch
            where namespace_kind <> 'namespace' and coalesce({", ".join(RATIOS)}) is not null
            """,
            "What is shared has no share of itself: nothing is handed on here.",
        ),
        between(
            "energy_ratio_is_a_share",
            "estimated_energy_ratio",
            0,
            1,
            "A namespace's part of the energy is a share between 0 and 1, or unknown.",
        ),
        *(
            never(
                f"{ratio}s_come_to_one",
                f"""
                select billing_month, usage_month, provider, sub_account_id, cluster_name,
                    billing_currency, sum({ratio}) as together
                from batch group by all
                having abs(sum({ratio}) - 1) > 0.000001 * count(*)
                """,
                "The namespaces of a cluster share the whole of it, up to rounding.",
            )
            for ratio in RATIOS
        ),
    )


def _holds_every_line(scope: Scope) -> Promise:
    """Promise that the rows come to the fact's lines of clusters, asked another way."""
    theirs = ", ".join(f"sum({name}) as {name}" for name in (*MEASURES, "charge_lines"))
    mine = ", ".join(f"sum({column}) as fact_{name}" for name, column in MEASURES.items())
    differ = " or ".join(
        f"coalesce({name}, 0) <> coalesce(fact_{name}, 0)" for name in (*MEASURES, "charge_lines")
    )
    texts = " union all ".join(
        f"""
        select x_Provider, '{place}' as place, said,
            {_says("cluster", place)} as has_cluster, {_says("namespace", place)} as has_namespace
        from (
            select distinct x_Provider, {place} as said from fact where {place} is not null
        )
        """
        for place in PLACES
    )
    joins = " ".join(
        f"left join texts as t{n} on t{n}.place = '{place}'"
        f" and t{n}.x_Provider = fact.x_Provider and t{n}.said = fact.{place}"
        for n, place in enumerate(PLACES)
    )

    def any_has(meaning: str) -> str:
        return " or ".join(f"coalesce(t{n}.has_{meaning}, false)" for n in range(len(PLACES)))

    return never(
        "holds_every_line_of_clusters",
        f"""
        with fact as (
            select * from fct_cost_and_carbon
            where x_RecordKind = 'Charge' and {scope.where("x_BillingMonth")}
        ),
        texts as ({texts}),
        lines as (
            select fact.*, coalesce(SubAccountId, '') as account,
                ({any_has("cluster")}) as has_cluster, ({any_has("namespace")}) as has_namespace
            from fact {joins}
        ),
        resources as (
            select distinct x_BillingMonth, x_Provider, account, ResourceId from lines
            where has_cluster and ResourceId <> ''
        ),
        told as (
            select x_BillingMonth as billing_month, x_Provider as provider,
                coalesce(BillingCurrency, 'XXX') as billing_currency,
                {mine}, count(*) as fact_charge_lines
            from lines
            where has_cluster or has_namespace
                or (x_BillingMonth, x_Provider, account, ResourceId) in (select * from resources)
            group by all
        ),
        held as (
            select billing_month, provider, billing_currency, {theirs} from batch group by all
        )
        select * from held full join told using (billing_month, provider, billing_currency)
        where {differ}
        """,
        "The rows of a month come to the fact's lines that name a cluster or namespace, or are of "
        "a machine of a cluster, to the last digit of cost, energy and carbon.",
    )


def _says(meaning: str, place: str) -> str:
    """Return the condition that a text of this column names a cluster or a namespace."""
    values = [
        *((provider, _tag(key)) for provider, key in TAGS.get((meaning, place), ())),
        *((one[0], _name_in_id(*one[1:])) for one in IDS.get((meaning, place), ())),
    ]
    said = (
        f"(x_Provider = '{provider}' and {named})" if provider != "any" else named
        for provider, named in ((one, f"coalesce({value} <> '', false)") for one, value in values)
    )
    return f"({' or '.join(said)})"


def _tag(key: str) -> str:
    pointer = "/" + key.replace("~", "~0").replace("/", "~1")
    blank = "chr(32) || chr(9) || chr(10) || chr(13) || chr(160)"
    value = f"json_extract_string(case when json_valid(said) then said end, {_literal(pointer)})"
    return f"trim({value}, {blank})"


def _name_in_id(like: str, key: str, part: int) -> str:
    folded = "lower(translate(said, 'İΣς', 'iσσ'))"
    rest = f"substr(said, instr({folded}, {_literal(key)}) + {len(key)})"
    return f"case when {folded} like {_literal(like)} then split_part({rest}, '/', {part}) end"


def _literal(text: str) -> str:
    """Return a text as SQL; whatever follows a colon would be taken for a parameter."""
    quoted = "' || chr(58) || '".join(text.split(":"))
    return f"('{quoted}')"


SUITE = Suite(
    name=RELATION,
    relation=RELATION,
    reader="For whoever runs Kubernetes clusters and tells teams what they cost and emit.",
    promises=_promises,
    month_column="billing_month",
)
