use super::address::cause;
use crate::{Row, Value, engine::StatementFailed};
use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use std::{collections::HashMap, error::Error};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client,
    error::SqlState,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

/// A text and its parameters, on their way.
pub(crate) type Sent = (&'static str, Vec<Value>);

/// An open session with its prepared statements.
pub(crate) struct Wire {
    client: Client,
    held: HashMap<&'static str, tokio_postgres::Statement>,
    driver: JoinHandle<()>,
}

/// Why a trip to the server failed.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) code: Option<SqlState>,
    /// Whether the session cannot be used again.
    pub(crate) is_gone: bool,
    /// Whether the server may have got the statements.
    pub(crate) was_sent: bool,
    pub(crate) because: StatementFailed,
}

impl Drop for Wire {
    fn drop(&mut self) {
        // A driver on a dead socket would wait for answers that never come.
        self.driver.abort();
    }
}

impl Wire {
    pub(crate) fn new(client: Client, driver: JoinHandle<()>) -> Self {
        Wire { client, held: HashMap::new(), driver }
    }
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends all at once and awaits every answer; returns the rows of the last.
    ///
    /// Every answer is looked at: a commit after a failed write is answered without an error, though it undid all.
    pub(crate) async fn send(&mut self, sent: &[Sent]) -> Result<Vec<Row>, Broken> {
        self.prepare(sent).await?;
        let (client, held) = (&self.client, &self.held);
        let answers = sent.iter().map(|(sql, values)| {
            let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            async move { client.query(&held[sql], &parameters).await }
        });
        let mut last = vec![];
        for (answer, (sql, _)) in join_all(answers).await.into_iter().zip(sent) {
            last = answer.map_err(|error| self.broken(&error, sql, true))?;
        }
        let sql = sent.last().map_or("", |(sql, _)| sql);
        read_rows(&last).map_err(|what| Broken {
            code: None,
            is_gone: false,
            was_sent: true,
            because: StatementFailed { what, sql },
        })
    }

    /// Prepares what this session has not seen yet, all in one trip.
    async fn prepare(&mut self, sent: &[Sent]) -> Result<(), Broken> {
        let mut missing: Vec<&'static str> = vec![];
        for (sql, _) in sent {
            if !self.held.contains_key(sql) && !missing.contains(sql) {
                missing.push(sql);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let prepared = join_all(missing.iter().map(|sql| self.client.prepare(sql))).await;
        for (prepared, sql) in prepared.into_iter().zip(missing) {
            let statement = prepared.map_err(|error| self.broken(&error, sql, false))?;
            self.held.insert(sql, statement);
        }
        Ok(())
    }

    fn broken(&self, error: &tokio_postgres::Error, sql: &'static str, was_sent: bool) -> Broken {
        let code = error.code().cloned();
        // Without a word from the server it is the connection, or a value that does not fit, which is our own mistake.
        let is_ours = error.source().is_some_and(|source| source.is::<Misfit>());
        let is_gone = code.as_ref().map_or(!is_ours, ends_the_session);
        Broken { code, is_gone, was_sent, because: StatementFailed { what: cause(error), sql } }
    }
}

/// Whether the server ends the session with this, or would only repeat it: a shutdown, a server that became a standby,
/// statements that were prepared for tables as they were before a migration.
fn ends_the_session(code: &SqlState) -> bool {
    let class = &code.code()[..2];
    class == "08"
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::FEATURE_NOT_SUPPORTED,
            SqlState::INVALID_SQL_STATEMENT_NAME,
        ]
        .contains(code)
}

fn read_rows(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, String> {
    let read =
        |row: &tokio_postgres::Row| (0..row.len()).map(|i| read_value(row, i)).collect::<Result<_, _>>().map(Row);
    rows.iter().map(read).collect()
}

/// Reads a column; the few types that our statements yield become the same values as on SQLite.
pub(crate) fn read_value(row: &tokio_postgres::Row, i: usize) -> Result<Value, String> {
    let found = match *row.columns()[i].type_() {
        Type::INT8 => row.try_get::<_, Option<i64>>(i).map(Value::from),
        Type::INT4 => row.try_get::<_, Option<i32>>(i).map(Value::from),
        Type::BOOL => row.try_get::<_, Option<bool>>(i).map(Value::from),
        Type::TEXT | Type::VARCHAR | Type::NAME => row.try_get::<_, Option<String>>(i).map(Value::from),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(i).map(|bytes| Value::from(bytes.map(Bytes::from))),
        Type::VOID => return Ok(Value::Null),
        ref other => return Err(format!("column {i} is {other}: CAST it to BIGINT, TEXT or BYTEA")),
    };
    found.map_err(|error| format!("column {i} cannot be read: {error}"))
}

/// A value given where PostgreSQL expects another type.
#[derive(Debug, thiserror::Error)]
#[error("a {given} was given where PostgreSQL expects {expected}")]
struct Misfit {
    given: &'static str,
    expected: String,
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let misfit = || Misfit { given: self.kind(), expected: ty.to_string() };
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(number), &Type::INT8) => number.to_sql(ty, out),
            (Value::Int(number), &Type::INT4) => i32::try_from(*number).map_err(|_| misfit())?.to_sql(ty, out),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR) => text.to_sql(ty, out),
            (Value::Bytes(bytes), &Type::BYTEA) => bytes.as_ref().to_sql(ty, out),
            _ => Err(misfit().into()),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}
