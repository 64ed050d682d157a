//! A table's name and columns, stated once: the write, the reads and the decoding of a noun all use the same order.

/// Columns in the order in which they are written and read. Nouns begin with `id, rev`.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

impl Table {
    /// Compare-and-swap of a whole row, one text for both cases: revision 1 inserts, revision n replaces n - 1, anything else touches no row.
    /// `$1` is the id, `$2` the revision.
    pub fn put(&self) -> String {
        let Self { name, .. } = self;
        let columns = self.columns.join(", ");
        let values: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        let sets: Vec<String> = self.columns.iter().skip(1).map(|column| format!("{column} = excluded.{column}")).collect();
        format!(
            "INSERT INTO {name} ({columns}) SELECT {values} WHERE $2 = 1 OR EXISTS (SELECT 1 FROM {name} WHERE id = $1) \
             ON CONFLICT (id) DO UPDATE SET {sets} WHERE {name}.rev = excluded.rev - 1",
            values = values.join(", "),
            sets = sets.join(", "),
        )
    }

    /// A plain insert, to be followed by its own `ON CONFLICT`.
    pub fn insert(&self, rest: &str) -> String {
        let values: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({}) {rest}", self.name, self.columns.join(", "), values.join(", "))
    }

    /// All columns of the rows that `rest` chooses.
    pub fn select(&self, rest: &str) -> String {
        format!("SELECT {} FROM {} {rest}", self.columns.join(", "), self.name)
    }

    /// The columns behind an alias, for joins.
    pub fn columns_of(&self, alias: &str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| format!("{alias}.{column}")).collect();
        columns.join(", ")
    }
}
