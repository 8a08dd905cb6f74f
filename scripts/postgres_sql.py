"""Makes sql/postgres from the statements for DuckDB: `python scripts/postgres_sql.py`.

What sqlglot can say in PostgreSQL's words is translated, with what it leaves to us below: structs, lists of
lines, inserts by name. What has to be said otherwise stands in sql/postgres/own: a statement there replaces
the one of its name (in a migration: that makes the object of its name), or is added. The result is committed,
and a test compares it with what this makes.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlglot
from sqlglot import exp

sys.path.insert(0, str(Path(__file__).parents[1]))

from session_buddy.storage.queries import Query, parse_queries

SQL = Path(__file__).parents[1] / "sql"
ANSWERING = ("answers", "experiments", "findings", "live", "runs", "schema", "suggestions")
"""The files whose statements PostgreSQL runs too.

It folds and forgets with statements of its own, written by hand in sql/postgres/queries beside these.
"""
LEFT_OUT = (  # they belong to folding and forgetting
    "queue_difference",
    "queue_use",
    "delete_matching_anomalies",
    "delete_matching_stage_runs",
    "delete_matching_gate_runs",
)
TYPES = {"UTINYINT": "SMALLINT", "JSON": "TEXT", "HUGEINT": "NUMERIC"}
"""JSON is kept as text: what PostgreSQL knows as JSON cannot hold every character."""


def main() -> None:
    """Write every file."""
    for path, text in made().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def made() -> Mapping[Path, str]:
    """Each file that is made, with its text."""
    files = {SQL / "postgres" / "queries" / f"{name}.sql": _queries(name) for name in ANSWERING}
    for source in sorted((SQL / "migrations").glob("*.sql")):
        files[SQL / "postgres" / "migrations" / source.name] = _migration(source)
    return files


def _queries(name: str) -> str:
    source = parse_queries((SQL / "queries" / f"{name}.sql").read_text("utf-8"))
    own_file = SQL / "postgres" / "own" / f"{name}.sql"
    own = parse_queries(own_file.read_text("utf-8")) if own_file.exists() else {}
    texts = [
        _named(own[key] if key in own else Query(key, query.description, translated(query.sql)))
        for key, query in source.items()
        if key not in LEFT_OUT
    ]
    texts += [_named(query) for key, query in own.items() if key not in source]
    return "\n".join(texts)


def _named(query: Query) -> str:
    return f"-- {query.name} --\n-- {query.description}\n{query.sql};\n"


def _migration(source: Path) -> str:
    own_file = SQL / "postgres" / "own" / source.name
    own = _statements(own_file.read_text("utf-8"), "postgres") if own_file.exists() else []
    by_object = {_object_of(tree): text for tree, text in own if _object_of(tree)}
    texts = [f"-- Made by scripts/postgres_sql.py from sql/migrations/{source.name}."]
    for tree, _ in _statements(source.read_text("utf-8"), "duckdb"):
        name = _object_of(tree)
        texts.append(by_object.pop(name) if name in by_object else _render(_transformed(tree)) + ";")
    texts += [text for tree, text in own if not _object_of(tree) or _object_of(tree) in by_object]
    return "\n\n".join(texts) + "\n"


def _statements(text: str, dialect: str) -> list[tuple[exp.Expression | None, str]]:
    """Each statement with its own text; one that sqlglot need not understand begins with `-- as it is`."""
    if dialect == "postgres":
        parts = [part.strip() for part in text.split("\n\n") if part.strip()]
        return [(_parsed_create(part), part) for part in parts]
    return [(tree, "") for tree in sqlglot.parse(text, read=dialect) if tree is not None]


def _parsed_create(text: str) -> exp.Expression | None:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    words = lines[0].split() if lines else []
    if words[:2] in (["CREATE", "TABLE"], ["CREATE", "VIEW"]):
        return exp.Create(this=exp.to_table(words[2]), kind=words[1])
    return None


def _object_of(tree: exp.Expression | None) -> str:
    if isinstance(tree, exp.Create) and tree.args.get("kind") in ("TABLE", "VIEW"):
        table = tree.find(exp.Table)
        return table.name if table is not None else ""
    return ""


def translated(sql: str) -> str:
    """One statement in PostgreSQL's words; parameters stay `$name`."""
    named = re.sub(r"\$([a-z_]+)", r"given__\1", sql)
    text = _render(_transformed(_asked(_seen(sqlglot.parse_one(named, read="duckdb")))))
    return re.sub(r"given__([a-z_]+)", r"$\1", text)


def _render(tree: exp.Expression) -> str:
    text = tree.sql(dialect="postgres", pretty=True, comments=False)
    if isinstance(tree, exp.Create | exp.Alter):
        for known, wanted in TYPES.items():
            text = re.sub(rf" {known}(?=[ ,\n)]|$)", f" {wanted}", text)
        # Names are sorted and compared by their bytes, as DuckDB and Python do.
        text = re.sub(
            r"^(\s+(?:ADD COLUMN )?\w+ TEXT|ADD COLUMN \w+ TEXT)", r'\1 COLLATE "C"', text, flags=re.MULTILINE
        )
    return text


def _transformed(tree: exp.Expression) -> exp.Expression:
    for rewrite in (_lines, _id_lists, _by_name, _strings, _latest, _lists, _orders, _temporary, _aliases):
        tree = rewrite(tree)
    return tree


def _seen(tree: exp.Expression) -> exp.Expression:
    """Answers read the views that hide what others asked, not the tables behind them."""
    for table in tree.find_all(exp.Table):
        if table.name in ("skill_invocation", "skill_event"):
            table.set("this", exp.to_identifier(table.name.replace("skill_", "team_")))
    return tree


def _asked(tree: exp.Expression) -> exp.Expression:
    """A type for a parameter that may be null, which PostgreSQL cannot tell from `IS NULL`."""
    for test in tree.find_all(exp.Is):
        if isinstance(test.this, exp.Column) and test.this.name.startswith("given__"):
            test.set("this", exp.cast(test.this.copy(), "text"))
    return tree


def _schema_of(node: exp.Expression) -> dict[str, str] | None:
    """The columns that `unnest(from_json(line, '{...}'))` gives."""
    call = node.this if isinstance(node, exp.Explode) else None
    if not isinstance(call, exp.FromJson):
        return None
    columns = json.loads(call.expression.name)
    return columns if isinstance(columns, dict) else None


def _lines(tree: exp.Expression) -> exp.Expression:
    """Lines of JSON as rows: a set-returning record beside each line."""
    for select in list(tree.find_all(exp.Select)):
        for projection in list(select.expressions):
            columns = _schema_of(projection)
            if columns is None:
                continue
            wanted = [exp.column(name, table="parsed") for name in columns]
            typed = ", ".join(f"{name} {_type(kind)}" for name, kind in columns.items())
            select.set("expressions", wanted)
            beside = (
                f"SELECT 1 FROM a CROSS JOIN LATERAL json_to_record(CAST(line AS JSON)) AS parsed({typed})"
            )
            select.append("joins", sqlglot.parse_one(beside, read="postgres").args["joins"][0])
    return tree


def _type(kind: str) -> str:
    return {"VARCHAR": "TEXT", "DOUBLE": "DOUBLE PRECISION"}.get(kind, TYPES.get(kind, kind))


def _id_lists(tree: exp.Expression) -> exp.Expression:
    """A JSON list as a set of its members."""

    def rewrite(node: exp.Expression) -> exp.Expression:
        if not (isinstance(node, exp.Explode) and isinstance(node.this, exp.FromJson)):
            return node
        (kind,) = json.loads(node.this.expression.name)
        listed = node.this.this.sql("postgres")
        text = f"CAST(json_array_elements_text(CAST({listed} AS JSON)) AS {_type(kind)})"
        return sqlglot.parse_one(text, read="postgres")

    return tree.transform(rewrite)


def _by_name(tree: exp.Expression) -> exp.Expression:
    """`INSERT ... BY NAME` with its columns written out."""
    for insert in tree.find_all(exp.Insert):
        if insert.args.get("by_name"):
            names = insert.expression.named_selects
            insert.set("by_name", None)
            insert.set(
                "this", exp.Schema(this=insert.this, expressions=[exp.to_identifier(name) for name in names])
            )
    return tree


def _strings(tree: exp.Expression) -> exp.Expression:
    """`string_split` under its other name."""

    def rewrite(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Split):
            return exp.func("STRING_TO_ARRAY", node.this, node.expression, dialect="postgres")
        return node

    return tree.transform(rewrite)


def _latest(tree: exp.Expression) -> exp.Expression:
    """`arg_max(x, by)` as the first of a sorted list without nulls."""

    def rewrite(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.ArgMax):
            keys = node.expression
            by = keys.expressions if isinstance(keys, exp.Struct) else [keys]
            order = ", ".join(f"{_bare(key).sql('postgres')} DESC" for key in by)
            value = node.this.sql("postgres")
            return sqlglot.parse_one(
                f"(ARRAY_AGG({value} ORDER BY {order}) FILTER (WHERE NOT {value} IS NULL))[1]",
                read="postgres",
            )
        return node

    return tree.transform(rewrite)


def _bare(key: exp.Expression) -> exp.Expression:
    return (
        key.expression if isinstance(key, exp.PropertyEQ) else key.this if isinstance(key, exp.Alias) else key
    )


def _lists(tree: exp.Expression) -> exp.Expression:
    """A list of structs as JSON, and a sorted list."""

    def rewrite(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.ArrayAgg) and isinstance(node.this, exp.Struct):
            pairs = ", ".join(
                f"'{part.name}', {part.expression.sql('postgres')}" for part in node.this.expressions
            )
            return sqlglot.parse_one(f"JSON_AGG(JSON_BUILD_OBJECT({pairs}))", read="postgres")
        if isinstance(node, exp.ArrayContains) and isinstance(node.this, exp.FromJson):
            within, wanted = node.this.this.sql("postgres"), node.expression.sql("postgres")
            return sqlglot.parse_one(f"jsonb_exists(CAST({within} AS JSONB), {wanted})", read="postgres")
        if isinstance(node, exp.Anonymous) and node.name.lower() == "to_microseconds":
            count = node.expressions[0].sql("postgres")
            return sqlglot.parse_one(f"{count} * INTERVAL '1 microsecond'", read="postgres")
        if isinstance(node, exp.Anonymous) and node.name.lower() == "json_array_length":
            listed = node.expressions[0].sql("postgres")
            return sqlglot.parse_one(f"json_array_length(CAST({listed} AS JSON))", read="postgres")
        if isinstance(node, exp.ArraySort) and isinstance(node.this, exp.ArrayAgg):
            listed = node.this.this.sql("postgres")
            by = listed.removeprefix("DISTINCT ")
            return sqlglot.parse_one(f"ARRAY_AGG({listed} ORDER BY {by})", read="postgres")
        return node

    return tree.transform(rewrite)


def _orders(tree: exp.Expression) -> exp.Expression:
    """No key that we order by is ever null, so that an index need not say where nulls go."""
    for ordered in tree.find_all(exp.Ordered):
        ordered.set("nulls_first", bool(ordered.args.get("desc")))
    return tree


def _temporary(tree: exp.Expression) -> exp.Expression:
    """A temporary table lives for one transaction: behind a pool, the next one has another connection."""
    if isinstance(tree, exp.Create) and tree.find(exp.TemporaryProperty):
        tree.set("replace", None)
        tree.args["properties"].append("expressions", exp.OnCommitProperty(delete=False))
    return tree


def _aliases(tree: exp.Expression) -> exp.Expression:
    """PostgreSQL 15 wants a name for every table that is a query."""
    number = 0
    for subquery in tree.find_all(exp.Subquery):
        if isinstance(subquery.parent, exp.From | exp.Join) and not subquery.alias:
            number += 1
            subquery.set("alias", exp.TableAlias(this=exp.to_identifier(f"part_{number}")))
    return tree


def not_current() -> Iterable[Path]:
    """The files that are not as they would be made."""
    return [path for path, text in made().items() if not path.exists() or path.read_text("utf-8") != text]


if __name__ == "__main__":
    main()
