"""Where things are: the checkout's own folders and the layout of a home.

Belongs here: names of folders and files. Nothing in this module creates or reads them.
"""

from dataclasses import dataclass
from pathlib import Path

from dagster_project.months import ALL_MONTHS, Month

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT = PROJECT_ROOT / "dbt"
SEEDS = PROJECT_ROOT / "seeds"


@dataclass(frozen=True)
class Home:
    """Layout of one home folder: what can't be rebuilt, and what can.

    `landing/`, `ledger.sqlite` and `kept/` are to be backed up; the rest is rebuilt from them.
    """

    root: Path

    @property
    def landing(self) -> Path:
        """Provider's own bytes, one immutable folder per delivery."""
        return self.root / "landing"

    @property
    def incoming(self) -> Path:
        """Deliveries being fetched; what a killed run leaves here is resumed or overwritten."""
        return self.landing / ".incoming"

    @property
    def ledger(self) -> Path:
        """The append-only record of decisions."""
        return self.root / "ledger.sqlite"

    @property
    def decoded(self) -> Path:
        """Typed Parquet, one folder per delivery."""
        return self.root / "decoded"

    @property
    def warehouse(self) -> Path:
        """Private folder of the build: DuckDB file and monthly Parquet."""
        return self.root / "warehouse"

    @property
    def database(self) -> Path:
        """The private DuckDB file; BI never opens it."""
        return self.warehouse / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        """Monthly models, one Parquet file per billing month."""
        return self.warehouse / "lake"

    @property
    def dbt_target(self) -> Path:
        """Output of dbt for this home."""
        return self.warehouse / "dbt_target"

    @property
    def kept(self) -> Path:
        """Every published fact partition, addressed by its content hash."""
        return self.root / "kept"

    def kept_month(self, relation: str, month: Month, content_hash: str) -> Path:
        """Return the kept file of a published month with that content."""
        name = f"{content_hash.replace(':', '-')}.parquet"
        return self.kept / relation / month.isoformat() / name

    def lake_month(self, model: str, month: Month) -> Path:
        """Return the file of a month as a monthly model built it."""
        return self.lake / model / f"billing_month={month:%Y-%m-%d}" / "part.parquet"

    @property
    def publications(self) -> Path:
        """Complete publications, one folder each."""
        return self.root / ".published"

    @property
    def published(self) -> Path:
        """Symlink to the publication that readers see."""
        return self.root / "published"

    @property
    def data_docs(self) -> Path:
        """Great Expectations' pages of the newest checked candidate."""
        return self.root / "data_docs"

    @property
    def dagster(self) -> Path:
        """Dagster's instance: run history and events."""
        return self.root / "dagster"

    @property
    def timings(self) -> Path:
        """How long steps took, for estimates; may be lost without harm."""
        return self.root / "timings.jsonl"

    @property
    def lock(self) -> Path:
        """The file whose lock admits one run at a time."""
        return self.root / ".lock"

    def landed(self, source: str, month: Month, delivery_id: str) -> Path:
        """Return the folder of one landed delivery."""
        folder = "all" if month == ALL_MONTHS else f"{month:%Y-%m-%d}"
        return self.landing / source / folder / delivery_id

    def decoded_delivery(
        self, provider: str, export: str, source: str, month: Month, delivery_id: str
    ) -> Path:
        """Return the folder of one decoded delivery; its keys become lineage columns in SQL."""
        return (
            self.decoded
            / f"{provider}_{export}"
            / f"ct_source={source}"
            / f"ct_month={month:%Y-%m-%d}"
            / f"ct_delivery={delivery_id}"
        )
