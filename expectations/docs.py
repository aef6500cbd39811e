"""Data Docs that open anywhere: no network, no scripts, equal input gives equal pages.

Great Expectations' pages load styles and scripts from the internet, carry random ids, and their
index is drawn by a script. Belongs here: taking that out, and an index of our own that says every
promise in plain English.
"""

import html
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from expectations.results import PromiseResult, SuiteResult

_PAGES = ("expectations", "validations")
_STATIC = "static"

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_STYLE = """<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #222; background: #fff }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
th, td { border: 1px solid #ccc; padding: .3rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere }
code, pre { font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap }
.sticky, .btn-group, footer, .ge-breadcrumbs li:first-child ~ .active { display: none }
.fa-check-circle::before, .fa-check::before { content: "kept" }
.fa-times::before { content: "broken" }
.fa-exclamation-triangle::before { content: "could not be checked" }
.kept, .text-success { color: #1a6b2d }
.broken, .text-danger { color: #a31515; font-weight: 600 }
.warned, .text-warning { color: #8a5a00; font-weight: 600 }
</style>"""

_REMOVED = re.compile(
    r"<script\b.*?</script\s*>|<style\b.*?</style\s*>|<link\b[^>]*>|<img\b[^>]*>|<meta\b[^>]*refresh[^>]*>"
    r"|<footer\b.*?</footer\s*>|<p>Stay current on everything GX.*?</p>",
    re.DOTALL | re.IGNORECASE,
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOAD_TIME = re.compile(r"(ge_load_time.{0,400}?)\d{8}T\d{6}\.\d+Z", re.DOTALL)


def clear(docs_dir: Path) -> None:
    """Remove what an earlier build left, and nothing else."""
    for name in (*_PAGES, _STATIC):
        shutil.rmtree(docs_dir / name, ignore_errors=True)
    (docs_dir / "index.html").unlink(missing_ok=True)


def finish(docs_dir: Path, results: Sequence[SuiteResult]) -> None:
    """Make the built pages self-contained and write the index.

    Args:
        docs_dir: Where Great Expectations built its pages, or where only an index is wanted.
        results: What the index says, in this order.
    """
    docs_dir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(docs_dir / _STATIC, ignore_errors=True)
    for name in _PAGES:
        for page in (docs_dir / name).rglob("*.html"):
            page.write_text(_self_contained(page.read_text(encoding="utf-8")), encoding="utf-8")
    (docs_dir / "index.html").write_text(_index(docs_dir, results), encoding="utf-8")


def _self_contained(page: str) -> str:
    text = _LOAD_TIME.sub(r"\1-", _REMOVED.sub("", page))
    numbers: dict[str, str] = {}
    text = _UUID.sub(lambda found: numbers.setdefault(found[0], f"part-{len(numbers) + 1}"), text)
    return re.sub(
        r"<head\b[^>]*>",
        lambda head: head[0] + _POLICY + _STYLE,
        text,
        count=1,
        flags=re.IGNORECASE,
    )


def _index(docs_dir: Path, results: Sequence[SuiteResult]) -> str:
    blocked = sum(len(result.blocking) for result in results)
    warned = sum(len(result.warnings) for result in results)
    kept = sum(promise.passed for result in results for promise in result.promises)
    sections = "\n".join(_section(docs_dir, result) for result in results)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"{_POLICY}<title>Promises of the published tables</title>{_STYLE}</head>\n<body>\n"
        "<h1>Promises of the published tables</h1>\n"
        f"<p>{kept} kept, {blocked} broken and blocking publication, "
        f"{warned} broken and shown as a warning.</p>\n"
        f"{sections}\n</body>\n</html>\n"
    )


def _section(docs_dir: Path, result: SuiteResult) -> str:
    rows = "\n".join(_row(promise) for promise in result.promises)
    return (
        f'<h2 id="{_safe(result.suite)}">{_safe(result.relation)}</h2>\n'
        f"<p>{_safe(result.reader)}{_details(docs_dir, result.suite)}</p>\n"
        "<table>\n<thead><tr><th>State</th><th>Promise</th><th>Observed</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>"
    )


def _row(promise: PromiseResult) -> str:
    sample = "".join(f"<br><code>{_safe(line)}</code>" for line in promise.sample)
    css, word = _state(promise)
    return (
        f'<tr><td class="{css}">{word}</td>'
        f"<td>{_safe(promise.notes)}<br><code>{_safe(promise.name)}</code></td>"
        f"<td>{_safe(promise.observed)}{sample}</td></tr>"
    )


def _state(promise: PromiseResult) -> tuple[str, str]:
    if promise.passed:
        return "kept", "kept"
    return ("broken", "broken") if promise.severity == "critical" else ("warned", "warning")


def _details(docs_dir: Path, suite: str) -> str:
    pages = sorted((docs_dir / "validations" / suite).rglob("*.html"))
    if not pages:
        return ""
    address = pages[0].relative_to(docs_dir).as_posix()
    return f' <a href="{_safe(address)}">How it was checked</a>'


def _safe(text: str) -> str:
    return html.escape(text, quote=True)
