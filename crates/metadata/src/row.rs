use crate::Value;
use bytes::Bytes;
use gantry_fault::Fault;
use gantry_words::Timestamp;

/// A row of an answer; columns are counted from 0.
///
/// A column that is missing or of another type is our own mistake: an internal fault that names column and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The BIGINT of a column.
    pub fn int(&self, i: usize) -> Result<i64, Fault> {
        match self.value(i)? {
            Value::Int(number) => Ok(*number),
            other => Err(mismatch(i, "BIGINT", other)),
        }
    }
    /// The BIGINT of a column that never goes below zero: counts and sizes.
    pub fn count(&self, i: usize) -> Result<u64, Fault> {
        let number = self.int(i)?;
        u64::try_from(number)
            .map_err(|_| Fault::internal(format!("column {i} is {number}, where no count is negative")))
    }
    /// The 0 or 1 of a column.
    pub fn bool(&self, i: usize) -> Result<bool, Fault> {
        Ok(self.int(i)? != 0)
    }
    /// The moment of a column.
    pub fn time(&self, i: usize) -> Result<Timestamp, Fault> {
        self.int(i).map(Timestamp::from_millis)
    }
    /// The TEXT of a column.
    pub fn text(&self, i: usize) -> Result<&str, Fault> {
        match self.value(i)? {
            Value::Text(text) => Ok(text),
            other => Err(mismatch(i, "TEXT", other)),
        }
    }
    /// The BYTEA of a column.
    pub fn bytes(&self, i: usize) -> Result<&Bytes, Fault> {
        match self.value(i)? {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(mismatch(i, "BYTEA", other)),
        }
    }

    /// The BIGINT of a column that may be NULL.
    pub fn opt_int(&self, i: usize) -> Result<Option<i64>, Fault> {
        if self.is_null(i)? { Ok(None) } else { self.int(i).map(Some) }
    }
    /// The moment of a column that may be NULL.
    pub fn opt_time(&self, i: usize) -> Result<Option<Timestamp>, Fault> {
        Ok(self.opt_int(i)?.map(Timestamp::from_millis))
    }
    /// The TEXT of a column that may be NULL.
    pub fn opt_text(&self, i: usize) -> Result<Option<&str>, Fault> {
        if self.is_null(i)? { Ok(None) } else { self.text(i).map(Some) }
    }

    /// The TEXT of a column, taken out of the row.
    pub fn take_text(&mut self, i: usize) -> Result<String, Fault> {
        self.text(i)?;
        match std::mem::replace(&mut self.0[i], Value::Null) {
            Value::Text(text) => Ok(text),
            other => Err(mismatch(i, "TEXT", &other)),
        }
    }
    /// The TEXT of a column that may be NULL, taken out of the row.
    pub fn take_opt_text(&mut self, i: usize) -> Result<Option<String>, Fault> {
        if self.is_null(i)? { Ok(None) } else { self.take_text(i).map(Some) }
    }
    /// The BYTEA of a column, taken out of the row.
    pub fn take_bytes(&mut self, i: usize) -> Result<Bytes, Fault> {
        self.bytes(i)?;
        match std::mem::replace(&mut self.0[i], Value::Null) {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(mismatch(i, "BYTEA", &other)),
        }
    }

    /// Whether a column is NULL.
    pub fn is_null(&self, i: usize) -> Result<bool, Fault> {
        Ok(*self.value(i)? == Value::Null)
    }
    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// A column as it came.
    pub fn value(&self, i: usize) -> Result<&Value, Fault> {
        self.0.get(i).ok_or_else(|| Fault::internal(format!("column {i} was asked of a row of {}", self.0.len())))
    }
}

fn mismatch(i: usize, wanted: &str, found: &Value) -> Fault {
    Fault::internal(format!("column {i} is {}, not {wanted}", found.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values;

    #[test]
    fn columns_are_read_by_their_type() {
        let mut row = Row(values![7, "text", true, &b"bytes"[..], None::<i64>]);

        assert_eq!(row.int(0).unwrap(), 7);
        assert_eq!(row.time(0).unwrap(), Timestamp::from_millis(7));
        assert!(row.bool(2).unwrap());
        assert_eq!(row.take_bytes(3).unwrap(), "bytes");
        assert_eq!((row.opt_int(4).unwrap(), row.opt_text(4).unwrap()), (None, None));
        assert_eq!(row.opt_text(1).unwrap(), Some("text"));
        assert_eq!(row.take_text(1).unwrap(), "text");
    }

    #[test]
    fn a_wrong_type_is_a_fault_that_names_column_and_type() {
        let row = Row(values!["text", -1]);

        let why = |fault: Fault| fault.source.unwrap().to_string();
        assert_eq!(why(row.int(0).unwrap_err()), "column 0 is TEXT, not BIGINT");
        assert_eq!(why(row.count(1).unwrap_err()), "column 1 is -1, where no count is negative");
        assert_eq!(why(row.int(2).unwrap_err()), "column 2 was asked of a row of 2");
    }
}
