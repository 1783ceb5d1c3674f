use bytes::Bytes;
use gantry_words::{AccountId, Region, RepositoryName, RequestId, Timestamp};

/// What goes into a parameter and comes out of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A BIGINT: numbers, moments in milliseconds, and 0 or 1 for booleans.
    Int(i64),
    /// A TEXT.
    Text(String),
    /// A BYTEA.
    Bytes(Bytes),
}

impl Value {
    /// What kind of value it is, as faults name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "NULL",
            Value::Int(_) => "BIGINT",
            Value::Text(_) => "TEXT",
            Value::Bytes(_) => "BYTEA",
        }
    }
}

/// A list as the statements take it: a JSON array of one-element arrays.
pub(crate) fn column<T: serde::Serialize>(items: impl IntoIterator<Item = T>) -> String {
    serde_json::Value::Array(items.into_iter().map(|item| serde_json::json!([item])).collect()).to_string()
}

/// Makes the parameters of a statement: `values![repository, "v1", None::<i64>]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}

macro_rules! from {
    ($($type:ty: $value:ident => $into:expr;)*) => { $(
        impl From<$type> for Value {
            fn from($value: $type) -> Self { $into }
        }
    )* };
}

from! {
    i64: value => Value::Int(value);
    i32: value => Value::Int(value.into());
    u32: value => Value::Int(value.into());
    // Whoever counts beyond 2^63 has checked it before; here it only must not turn negative.
    u64: value => Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    usize: value => Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    bool: value => Value::Int(value.into());
    &str: value => Value::Text(value.into());
    String: value => Value::Text(value);
    &String: value => Value::Text(value.clone());
    &[u8]: value => Value::Bytes(Bytes::copy_from_slice(value));
    Vec<u8>: value => Value::Bytes(value.into());
    Bytes: value => Value::Bytes(value);
    Timestamp: value => Value::Int(value.millis());
    AccountId: value => Value::Text(value.as_str().into());
    &AccountId: value => Value::Text(value.as_str().into());
    &Region: value => Value::Text(value.as_str().into());
    &RepositoryName: value => Value::Text(value.as_str().into());
    RequestId: value => Value::Text(value.to_string());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_the_column_stay_at_its_end() {
        assert_eq!(Value::from(u64::MAX), Value::Int(i64::MAX));
    }

    #[test]
    fn each_word_has_one_form_in_the_database() {
        let values = values![
            true,
            Timestamp::from_millis(7),
            AccountId::DEFAULT,
            &"team/app".parse::<RepositoryName>().unwrap(),
            None::<&str>,
            &b"\0\xff"[..],
        ];

        let expected = [
            Value::Int(1),
            Value::Int(7),
            Value::Text("000000000000".into()),
            Value::Text("team/app".into()),
            Value::Null,
            Value::Bytes(Bytes::from_static(b"\0\xff")),
        ];
        assert_eq!(values, expected);
    }
}
