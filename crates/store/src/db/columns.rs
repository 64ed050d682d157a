//! Reading a row column by column, in the order of its table. A value that makes no sense is reported with table, row and column.

use std::{fmt::Display, str::FromStr};

use domain::{Id, Timestamp, id::Kind};
use ports::store::{Read, StoreError};
use serde::de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer};

use super::{Row, Table, Value};

/// The columns of one row that were not read yet.
pub(crate) struct Columns {
    table: &'static Table,
    key: String,
    values: std::vec::IntoIter<Value>,
    next: usize,
}

impl Columns {
    /// Reads `row`, whose columns are those of `table` in order. The first column names the row in errors.
    pub fn of(table: &'static Table, row: Row) -> Self {
        let key = match row.first() {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Int(number)) => number.to_string(),
            _ => "without a key".to_owned(),
        };
        Self { table, key, values: row.into_iter(), next: 0 }
    }

    fn take(&mut self) -> Value {
        self.next += 1;
        self.values.next().unwrap_or(Value::Null)
    }

    /// The column read last means nothing.
    pub fn bad(&self, why: impl Display) -> StoreError {
        let column = self.next.checked_sub(1).and_then(|at| self.table.columns.get(at)).unwrap_or(&"?");
        StoreError::Inconsistent(format!("table {}, row {}, column {column}: {why}", self.table.name, self.key))
    }

    fn wrong(&self, value: &Value, wanted: &str) -> StoreError {
        let found = match value {
            Value::Null => "nothing",
            Value::Int(_) => "a number",
            Value::Text(_) => "a text",
            Value::Blob(_) => "bytes",
        };
        self.bad(format_args!("{wanted} is needed, {found} is there"))
    }

    pub fn opt_int(&mut self) -> Read<Option<i64>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(number)),
            other => Err(self.wrong(&other, "a number")),
        }
    }

    pub fn int(&mut self) -> Read<i64> {
        self.opt_int()?.ok_or_else(|| self.wrong(&Value::Null, "a number"))
    }

    pub fn flag(&mut self) -> Read<bool> {
        match self.int()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.bad(format_args!("{other} is neither 0 nor 1"))),
        }
    }

    pub fn opt_text(&mut self) -> Read<Option<String>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            other => Err(self.wrong(&other, "a text")),
        }
    }

    pub fn text(&mut self) -> Read<String> {
        self.opt_text()?.ok_or_else(|| self.wrong(&Value::Null, "a text"))
    }

    pub fn opt_blob(&mut self) -> Read<Option<Vec<u8>>> {
        match self.take() {
            Value::Null => Ok(None),
            Value::Blob(bytes) => Ok(Some(bytes)),
            other => Err(self.wrong(&other, "bytes")),
        }
    }

    pub fn blob(&mut self) -> Read<Vec<u8>> {
        self.opt_blob()?.ok_or_else(|| self.wrong(&Value::Null, "bytes"))
    }

    pub fn opt_time(&mut self) -> Read<Option<Timestamp>> {
        self.opt_int()?.map(|micros| Timestamp::from_microsecond(micros).map_err(|error| self.bad(error))).transpose()
    }

    pub fn time(&mut self) -> Read<Timestamp> {
        self.opt_time()?.ok_or_else(|| self.wrong(&Value::Null, "a time"))
    }

    /// A text with a form of its own: an id, an address.
    pub fn parse<T: FromStr<Err: Display>>(&mut self) -> Read<T> {
        self.text()?.parse().map_err(|error| self.bad(error))
    }

    pub fn opt_id<K: Kind>(&mut self) -> Read<Option<Id<K>>> {
        self.opt_text()?.map(|text| text.parse().map_err(|error| self.bad(error))).transpose()
    }

    pub fn id<K: Kind>(&mut self) -> Read<Id<K>> {
        self.parse()
    }

    /// What [`super::code`] wrote.
    pub fn opt_code<T: DeserializeOwned>(&mut self) -> Read<Option<T>> {
        let Some(text) = self.opt_text()? else { return Ok(None) };
        let bare: StrDeserializer<'_, serde::de::value::Error> = text.as_str().into_deserializer();
        T::deserialize(bare).map(Some).map_err(|error| self.bad(error))
    }

    pub fn code<T: DeserializeOwned>(&mut self) -> Read<T> {
        self.opt_code()?.ok_or_else(|| self.wrong(&Value::Null, "a code"))
    }

    /// What [`super::json`] wrote.
    pub fn opt_json<T: DeserializeOwned>(&mut self) -> Read<Option<T>> {
        self.opt_text()?.map(|text| serde_json::from_str(&text).map_err(|error| self.bad(error))).transpose()
    }

    pub fn json<T: DeserializeOwned>(&mut self) -> Read<T> {
        self.opt_json()?.ok_or_else(|| self.wrong(&Value::Null, "JSON"))
    }
}

#[cfg(test)]
mod tests {
    use domain::people::Person;

    use super::*;

    static TABLE: Table = Table { name: "persons", columns: &["id", "rev", "created_at"] };

    #[test]
    fn a_value_that_means_nothing_is_reported_with_table_row_and_column() {
        let id = "per_00000000000000000000000000000007";
        let mut columns = Columns::of(&TABLE, vec![Value::Text(id.to_owned()), Value::Text("x".to_owned()), Value::Null]);
        assert!(columns.id::<Person>().is_ok());
        assert_eq!(
            columns.int().unwrap_err().to_string(),
            format!(
                "the database holds a value that means nothing: table persons, row {id}, column rev: a number is needed, a text is there"
            )
        );
        assert!(columns.time().unwrap_err().to_string().contains("column created_at"));
    }
}
