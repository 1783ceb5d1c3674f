/// A statement as the engines see it: one text for both, parameters `$1`, `$2`, … bound by their number.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) is_query: bool,
}

/// A question. A [`Reader`](crate::Reader) asks it; it cannot change anything.
#[derive(Debug)]
pub struct Query(pub(crate) Statement);

/// A deed. Only a [`Tx`](crate::Tx) does it.
#[derive(Debug)]
pub struct Change(pub(crate) Statement);

/// Makes a question of its text.
///
/// The text is the same for both engines: parameters `$1…` in any order, lists as a JSON array of arrays through
/// `json_each($n) AS j` with `j.value ->> 0`, no `FOR UPDATE`, no `sum` without a `CAST`, and its own `ORDER BY`.
pub const fn query(sql: &'static str) -> Query {
    Query(Statement { sql, is_query: true })
}

/// Makes a deed of its text; the rules are those of [`query`].
pub const fn change(sql: &'static str) -> Change {
    Change(Statement { sql, is_query: false })
}
