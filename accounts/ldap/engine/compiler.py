"""Django's queries as searches. What a search cannot say raises NotSupportedError, instead of a wrong answer."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from django.db.models import Count
from django.db.models.expressions import Col, Star
from django.db.models.sql import compiler as django_compiler
from django.db.models.sql.constants import GET_ITERATOR_CHUNK_SIZE, MULTI, SINGLE
from django.db.models.sql.where import AND, OR, WhereNode
from django.db.utils import NotSupportedError
from ldapdb.backends.ldap import compiler as ldapdb
from ldapdb.models.fields import ExactLookup, InLookup, LdapLookup

from accounts.ldap.engine.base import Entry

NO_ATTRIBUTES = ["1.1"]  # RFC 4511 section 4.5.1.8
NOTHING = "!(objectClass=*)"  # matches no entry, also inside | and !


class SQLCompiler(ldapdb.SQLCompiler):
    """Reads: filter, get, exclude, order_by, slices, values, count, exists, first."""

    def compile(self, node: Any, *args: Any, **kwargs: Any) -> tuple[str, Sequence[Any]]:
        """A WhereNode as a filter with its parameters, which ldapdb escapes."""
        if isinstance(node, WhereNode):
            refuse_conditions(node)
        if isinstance(node, InLookup) and not node.rhs:
            return NOTHING, []
        compiled: tuple[str, Sequence[Any]] = super().compile(node, *args, **kwargs)
        return compiled

    def entries(self, attributes: Sequence[str] | None = None) -> Iterator[Entry]:
        """The entries that match, in the directory's order, as (DN, attributes as the directory wrote them).

        `attributes`: which ones to ask for; all of the model's where None.
        """
        refuse_query(self.query)
        if self.query.is_empty():
            return iter(())
        if not is_by_dn(self.query.where):
            refuse_conditions(self.query.where)
        lookup = ldapdb.query_as_ldap(self.query, compiler=self, connection=self.connection)
        columns = [field.column for field in self.query.model._meta.fields if field.db_column]
        wanted = columns if attributes is None else attributes
        found: Iterator[Entry] = self.connection.search_s(lookup.base, lookup.scope, lookup.filterstr, wanted)
        return found

    def execute_sql(
        self, result_type: str = MULTI, chunked_fetch: bool = False, chunk_size: int = GET_ITERATOR_CHUNK_SIZE
    ) -> list[int] | None:
        """Prepares for `results_iter`, or counts."""
        self.setup_query()
        if result_type != SINGLE:
            return None
        refuse_unless_counting(self.select)
        return [len(self._cut(list(self.entries(NO_ATTRIBUTES))))] * len(self.select)

    def results_iter(
        self,
        results: object = None,
        tuple_expected: bool = False,
        chunked_fetch: bool = False,
        chunk_size: int = GET_ITERATOR_CHUNK_SIZE,
    ) -> Iterator[tuple[Any, ...]]:
        """The rows, ordered and cut here: the directory does neither."""
        self.setup_query()
        read = [self._reader(column) for column, _sql, _alias in self.select]
        found = list(self.entries())
        for column, backwards in reversed(self._ordering()):
            found.sort(key=sort_key(self._reader(column)), reverse=backwards)
        rows = (tuple(value(entry) for value in read) for entry in found)
        yield from self._cut(list(dict.fromkeys(rows) if self.query.distinct else rows))

    def has_results(self) -> bool:
        """Whether there is any; asks for no attribute."""
        return bool(self._cut(list(self.entries(NO_ATTRIBUTES))))

    def _cut(self, rows: list[Any]) -> list[Any]:
        return rows[self.query.low_mark : self.query.high_mark]

    def _reader(self, column: Any) -> Callable[[Entry], Any]:
        """How one column is read from an entry."""
        if not isinstance(column, Col):
            raise NotSupportedError("A directory computes nothing: only fields can be read.")
        field: Any = column.target
        if not field.db_column:
            return lambda entry: entry[0]
        name = field.column.lower()

        def read(entry: Entry) -> Any:
            values: Sequence[bytes] = next((found for key, found in entry[1].items() if key.lower() == name), ())
            return field.from_ldap(values, connection=self.connection)

        return read

    def _ordering(self) -> list[tuple[Col, bool]]:
        query = self.query
        default = query.model._meta.ordering if query.default_ordering else ()
        return [self._order(name) for name in query.order_by or default]

    def _order(self, name: Any) -> tuple[Col, bool]:
        if not isinstance(name, str) or name == "?":
            raise NotSupportedError("The directory's entries are ordered by fields only.")
        options, bare = self.query.model._meta, name.removeprefix("-")
        field = options.pk if bare == "pk" else options.get_field(bare)
        return Col(options.db_table, field), name.startswith("-")


class _ReadOnly(SQLCompiler):
    def execute_sql(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotSupportedError("The portal never writes to the directory.")


class SQLInsertCompiler(_ReadOnly, django_compiler.SQLInsertCompiler):  # type: ignore[misc]  # refused anyway
    """Refuses."""


class SQLDeleteCompiler(_ReadOnly, django_compiler.SQLDeleteCompiler):  # type: ignore[misc]  # refused anyway
    """Refuses."""


class SQLUpdateCompiler(_ReadOnly, django_compiler.SQLUpdateCompiler):  # type: ignore[misc]  # refused anyway
    """Refuses."""


class SQLAggregateCompiler(SQLCompiler):
    """Counts what a sliced or distinct query yields."""

    def execute_sql(
        self, result_type: str = SINGLE, chunked_fetch: bool = False, chunk_size: int = GET_ITERATOR_CHUNK_SIZE
    ) -> list[int]:
        """The count, once for each column."""
        wanted = [(annotation, "", None) for annotation in self.query.annotation_select.values()]
        refuse_unless_counting(wanted)
        inner = self.query.inner_query.get_compiler(self.using)
        return [sum(1 for _row in inner.results_iter())] * len(wanted)


def refuse_query(query: Any) -> None:
    """Raises for what ldapdb would leave out without a word."""
    refused = {
        "union, intersection and difference": query.combinator,
        "reverse() and last()": not query.standard_ordering,
        "only() and defer()": query.deferred_loading != (frozenset(), True),
        "extra()": query.extra or query.extra_order_by,
        "distinct() on fields": query.distinct_fields,
    }
    for what, asked in refused.items():
        if asked:
            raise NotSupportedError(f"A directory knows no {what}.")


def refuse_conditions(where: WhereNode) -> None:
    """Raises for conditions that are no filter."""
    if where.connector not in (AND, OR):
        raise NotSupportedError(f"A filter knows no {where.connector}.")
    for condition in where.children:
        if isinstance(condition, WhereNode):
            continue
        if not isinstance(condition, LdapLookup):
            name = getattr(condition, "lookup_name", type(condition).__name__)
            raise NotSupportedError(f"A filter knows no {name}; use exact, in, contains, startswith or endswith.")
        if not condition.lhs.target.db_column:
            raise NotSupportedError("An entry is asked for by its DN alone, as in get(dn=...).")


def is_by_dn(where: WhereNode) -> bool:
    """Whether the query asks for one entry by its DN and nothing else, which is a search of its own kind."""
    only = where.children[0] if len(where.children) == 1 else None
    return isinstance(only, ExactLookup) and not only.lhs.target.db_column


def refuse_unless_counting(select: Sequence[tuple[Any, Any, Any]]) -> None:
    """Raises unless every column is COUNT(*)."""
    for column, _sql, _alias in select:
        plain = isinstance(column, Count) and not getattr(column, "distinct", False) and column.filter is None
        if not plain or not isinstance(column.get_source_expressions()[0], Star):
            raise NotSupportedError("A directory computes nothing but count().")


def sort_key(read: Callable[[Entry], Any]) -> Callable[[Entry], str]:
    """Orders without case, as a directory compares."""
    return lambda entry: str(read(entry)).lower()
