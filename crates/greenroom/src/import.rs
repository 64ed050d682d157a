//! `import managers FILE.csv`: makes managers known in one go. Without `--commit` it only says, line by line, what would happen; where
//! any line is wrong, nothing is written at all.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result, bail, ensure};
use domain::{EmailAddress, Zone};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::{
    config::Variables,
    csv::{self, Record},
    remote::Server,
};

/// What the header may name.
const COLUMNS: [&str; 4] = ["email", "name", "zone", "external_id"];
/// Longest name or id, in characters: what the server takes.
const MAX_LINE: usize = 200;

/// Options of `import managers`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file: a header with `email` and any of `name`, `zone`, `external_id`, then one manager a line.
    file: PathBuf,
    /// Does it. Without this, it only says what would happen.
    #[arg(long)]
    commit: bool,
}

/// One manager of the file. What is empty there stays as it is on the server.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    email: EmailAddress,
    name: Option<String>,
    zone: Option<Zone>,
    external_id: Option<String>,
}

/// Lines that are wrong, and why.
type Errors = Vec<(usize, String)>;

/// What would happen to a row.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Add,
    Change(Vec<String>),
    Nothing,
}

/// Reads, checks, says, and with `--commit` does.
pub async fn managers(arguments: Arguments, variables: &Variables) -> Result<ExitCode> {
    let file = arguments.file.display().to_string();
    let bytes = std::fs::read(&arguments.file).with_context(|| format!("{file} cannot be read"))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{file} is not UTF-8; save it as CSV UTF-8"))?;
    let server = Server::of(variables)?;
    ensure!(
        server.has_key(),
        "GREENROOM_API_KEY is not set; make a key with the rights read and propose on the dashboard's page of keys"
    );
    let (rows, mut errors) = rows(&text)?;
    let mut steps = Vec::with_capacity(rows.len());
    for row in rows {
        match step(&server, &row).await? {
            Ok(step) => steps.push((row, step)),
            Err(sentence) => errors.push((row.line, sentence)),
        }
    }
    say(&steps, &mut errors);
    let writes = steps.iter().filter(|(_, step)| *step != Step::Nothing).count();
    if !errors.is_empty() {
        println!(
            "\n{file}: {} of {} lines are wrong, so nothing is written. Correct them and run it again.",
            errors.len(),
            errors.len() + steps.len()
        );
        return Ok(ExitCode::FAILURE);
    }
    if !arguments.commit {
        println!(
            "\n{file}: {writes} of {} lines would be written to {}. Nothing was; --commit does it.",
            steps.len(),
            server.address()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let mut written = 0;
    for (row, _) in steps.iter().filter(|(_, step)| *step != Step::Nothing) {
        let answer = server.call(Method::PUT, server.url(&["api", "v1", "managers"], &[])?, Some(&row.body())).await;
        let said = answer.with_context(|| interrupted(row.line, written, writes))?.success();
        if let Err(sentence) = said {
            bail!("{}: {sentence}", interrupted(row.line, written, writes));
        }
        written += 1;
    }
    println!("\n{file}: {written} lines written to {}.", server.address());
    Ok(ExitCode::SUCCESS)
}

fn interrupted(line: usize, written: usize, writes: usize) -> String {
    format!(
        "line {line} was not taken after {written} of {writes} were written; mend it and run it again, what is written stays the same"
    )
}

fn say(steps: &[(Row, Step)], errors: &mut [(usize, String)]) {
    for (Row { line, email, .. }, step) in steps {
        match step {
            Step::Add => println!("line {line:>4}: {email} is new"),
            Step::Change(changes) => println!("line {line:>4}: {email} changes: {}", changes.join(", ")),
            Step::Nothing => println!("line {line:>4}: {email} stays as it is"),
        }
    }
    errors.sort();
    for (line, error) in errors {
        println!("line {line:>4}: ERROR {error}");
    }
}

impl Row {
    fn body(&self) -> Value {
        let texts = [
            ("name", self.name.clone()),
            ("zone", self.zone.as_ref().map(|zone| zone.name().to_owned())),
            ("external_id", self.external_id.clone()),
        ];
        let mut body = Map::from_iter([("email".to_owned(), json!(self.email.as_str()))]);
        body.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text?)))));
        Value::Object(body)
    }

    /// What differs from the manager the server knows.
    fn step(&self, known: &Value) -> Step {
        let body = self.body();
        let fields =
            ["name", "zone", "external_id"].into_iter().filter(|field| !body[field].is_null() && body[field] != known[field]);
        let changes: Vec<String> =
            fields.map(|field| format!("{field} {} becomes {}", shown(&known[field]), shown(&body[field]))).collect();
        if changes.is_empty() { Step::Nothing } else { Step::Change(changes) }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| "(none)".to_owned(), |text| format!("`{text}`"))
}

/// What the server knows decides what a row does. The inner error is about this row; the outer one about the server or the key.
async fn step(server: &Server, row: &Row) -> Result<Result<Step, String>> {
    let url = server.url(&["api", "v1", "managers", row.email.as_str()], &[])?;
    let answer = server.call(Method::GET, url, None).await;
    let answer =
        answer.with_context(|| format!("{} does not answer; start `greenroom serve`, or set GREENROOM_URL", server.address()))?;
    match answer.status {
        StatusCode::NOT_FOUND if answer.body["code"] == "not_found" => Ok(Ok(Step::Add)),
        StatusCode::OK => Ok(Ok(row.step(&answer.body))),
        StatusCode::UNPROCESSABLE_ENTITY => Ok(Err(answer.sentence())),
        _ => bail!("{}: {}", server.address(), answer.sentence()),
    }
}

/// The managers of a file, and its errors by line.
fn rows(text: &str) -> Result<(Vec<Row>, Errors)> {
    let mut records = csv::read(text)?.into_iter();
    let header = records.next().context("the file is empty; its first line must be: email,name,zone,external_id")?;
    let columns = columns(&header)?;
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    let mut seen = BTreeMap::new();
    for record in records {
        match row(&columns, &record).and_then(|row| alone(&mut seen, row)) {
            Ok(row) => rows.push(row),
            Err(error) => errors.push((record.line, format!("{error:#}"))),
        }
    }
    ensure!(!rows.is_empty() || !errors.is_empty(), "the file has a header and no manager");
    Ok((rows, errors))
}

fn columns(header: &Record) -> Result<Vec<&'static str>> {
    let mut columns = Vec::new();
    for name in &header.fields {
        let wanted = name.trim().to_lowercase();
        let column = COLUMNS.into_iter().find(|column| *column == wanted);
        let column = column.with_context(|| {
            format!(
                "line {}: `{name}` is not a column; the first line must name email and any of name, zone, external_id",
                header.line
            )
        })?;
        ensure!(!columns.contains(&column), "line {}: the column {column} stands there twice", header.line);
        columns.push(column);
    }
    ensure!(columns.contains(&"email"), "line {}: there is no column email", header.line);
    Ok(columns)
}

fn row(columns: &[&'static str], record: &Record) -> Result<Row> {
    ensure!(
        record.fields.len() == columns.len(),
        "{} fields, but the header names {}; put quotes around a field with a comma",
        record.fields.len(),
        columns.len()
    );
    let field = |name: &str| {
        let at = columns.iter().position(|column| *column == name)?;
        record.fields.get(at).map(|text| text.trim()).filter(|text| !text.is_empty())
    };
    let email = field("email").context("the address is empty")?;
    Ok(Row {
        line: record.line,
        email: email.parse().map_err(|error| anyhow::anyhow!("`{email}` is no address: {error}"))?,
        name: field("name").map(|text| one_line("name", text)).transpose()?,
        zone: field("zone").map(|zone| Zone::new(zone).map_err(|error| anyhow::anyhow!("zone `{zone}`: {error}"))).transpose()?,
        external_id: field("external_id").map(|text| one_line("external_id", text)).transpose()?,
    })
}

fn one_line(name: &str, text: &str) -> Result<String> {
    ensure!(text.chars().count() <= MAX_LINE, "{name} is longer than {MAX_LINE} characters");
    ensure!(!text.chars().any(char::is_control), "{name} must be one line without control characters");
    Ok(text.to_owned())
}

/// An address or an id that an earlier line has is an error: which of both would count?
fn alone(seen: &mut BTreeMap<(&'static str, String), usize>, row: Row) -> Result<Row> {
    let keys = [("address", Some(row.email.key())), ("external_id", row.external_id.clone())];
    for (what, key) in keys {
        let Some(key) = key else { continue };
        match seen.entry((what, key)) {
            Entry::Occupied(earlier) => bail!("the {what} `{}` stands on line {} already", earlier.key().1, earlier.get()),
            Entry::Vacant(place) => {
                place.insert(row.line);
            }
        }
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "Email, name ,zone,external_id\nana@example.com,\"Diaz, Ana\",Europe/Madrid,M-1\nbo@example.com,,,\n";

    #[test]
    fn columns_are_found_by_name_and_empty_fields_change_nothing() {
        let (rows, errors) = rows(FILE).unwrap();
        assert!(errors.is_empty());
        assert_eq!(
            rows[0].body(),
            json!({"email": "ana@example.com", "name": "Diaz, Ana", "zone": "Europe/Madrid", "external_id": "M-1"})
        );
        assert_eq!(rows[1].body(), json!({"email": "bo@example.com"}));
    }

    #[test]
    fn every_bad_line_is_named_with_its_number_and_the_good_ones_are_still_read() {
        let text = "email,zone,external_id\nana,,\nbo@example.com,Mars/Base,\nANA@example.com,,1\nana@example.com,,2\ncy@example.com,,1\na,b\n";
        let (rows, errors) = rows(text).unwrap();
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4]);
        let lines: Vec<_> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 5, 6, 7]);
        for (at, part) in [(0, "no address"), (1, "Mars/Base"), (2, "line 4 already"), (3, "external_id `1`"), (4, "2 fields")] {
            assert!(errors[at].1.contains(part), "{:?}", errors[at]);
        }
    }

    #[test]
    fn a_header_is_required_and_unknown_columns_are_refused() {
        for (text, part) in [
            ("", "empty"),
            ("ana@example.com,Ana\n", "not a column"),
            ("name,zone\nAna,\n", "no column email"),
            ("email,email\na,b\n", "twice"),
            ("email\n", "no manager"),
        ] {
            let error = rows(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let (rows, _) = rows(FILE).unwrap();
        let known = json!({"name": "Ana", "zone": "Europe/Madrid", "external_id": null});
        let Step::Change(changes) = rows[0].step(&known) else { panic!("nothing changes") };
        assert_eq!(changes, ["name `Ana` becomes `Diaz, Ana`", "external_id (none) becomes `M-1`"]);
        assert_eq!(rows[1].step(&known), Step::Nothing);
    }
}
