//! The demo's people: three managers in three zones and two data centres, three vacancies, their candidates.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};
use app::{App, Caller, CandidateInput, PlaceInput, VacancyInput};
use domain::{access::Right, audit::Actor};
use ports::store::Page;

/// What stands in the managers' calendars.
pub const CALENDARS: [(&str, &str); 3] = [
    ("ana@example.com", include_str!("calendars/ana.ics")),
    ("bruno@example.com", include_str!("calendars/bruno.ics")),
    ("chandra@example.com", include_str!("calendars/chandra.ics")),
];

/// The vacancy the headless walk approves.
pub const WALK_VACANCY: &str = "demo-platform-engineer";

/// Makes the people and vacancies, once. Whether it did.
pub async fn seed(app: &App) -> Result<bool> {
    if !app.vacancies(Page::first(1)).await?.is_empty() {
        return Ok(false);
    }
    let caller = operator();
    for vacancy in [accounts(), operations(), platform()] {
        app.create_vacancy(vacancy, &caller).await?;
    }
    Ok(true)
}

/// The demo's API key, made once and kept beside the data: it opens nothing but this demo.
pub async fn api_key(app: &App, data: &Path) -> Result<String> {
    let path = data.join("api-key");
    if let Ok(text) = fs::read_to_string(&path)
        && app.authenticate(text.trim()).await?.is_some()
    {
        return Ok(text.trim().to_owned());
    }
    let (_, key) = app.create_api_key("demo", BTreeSet::from(Right::ALL), None, &operator()).await?;
    fs::write(&path, &key).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(key)
}

const fn operator() -> Caller {
    Caller { actor: Actor::Operator, request: None }
}

fn candidate(name: &str, email: &str, zone: Option<&str>) -> CandidateInput {
    CandidateInput { name: name.to_owned(), email: email.to_owned(), zone: zone.map(ToOwned::to_owned), external_id: None }
}

fn platform() -> VacancyInput {
    VacancyInput {
        title: "Platform engineer".to_owned(),
        manager_email: "ana@example.com".to_owned(),
        manager_name: Some("Ana Diaz".to_owned()),
        requested_by: Some("Robin Vale, recruiting".to_owned()),
        minutes: Some(60),
        round_name: Some("First interview".to_owned()),
        place: Some(PlaceInput::Url("https://meet.example.com/platform".to_owned())),
        external_id: Some(WALK_VACANCY.to_owned()),
        candidates: vec![
            candidate("Noor Haddad", "noor@example.net", Some("America/New_York")),
            candidate("Tomasz Zielinski", "tomasz@example.net", Some("Europe/Warsaw")),
            candidate("Mei Tanaka", "mei@example.net", None),
        ],
        ..VacancyInput::default()
    }
}

fn accounts() -> VacancyInput {
    VacancyInput {
        title: "Account executive, Iberia".to_owned(),
        manager_email: "bruno@example.com".to_owned(),
        manager_name: Some("Bruno Gil".to_owned()),
        requested_by: Some("Robin Vale, recruiting".to_owned()),
        minutes: Some(45),
        round_name: Some("Getting to know you".to_owned()),
        place: Some(PlaceInput::Address("Calle de Alcala 12, Madrid, 3rd floor".to_owned())),
        external_id: Some("demo-account-executive".to_owned()),
        candidates: vec![
            candidate("Lucia Romero", "lucia@example.net", Some("Europe/Madrid")),
            candidate("Joao Pires", "joao@example.net", Some("Europe/Lisbon")),
        ],
        ..VacancyInput::default()
    }
}

fn operations() -> VacancyInput {
    VacancyInput {
        title: "Operations lead, Pune".to_owned(),
        manager_email: "chandra@example.com".to_owned(),
        manager_name: Some("Chandra Rao".to_owned()),
        requested_by: Some("Robin Vale, recruiting".to_owned()),
        minutes: Some(60),
        round_name: Some("Interview".to_owned()),
        place: Some(PlaceInput::ZohoMeeting),
        external_id: Some("demo-operations-lead".to_owned()),
        candidates: vec![
            candidate("Asha Kulkarni", "asha@example.net", Some("Asia/Kolkata")),
            candidate("Daniel Okoye", "daniel@example.net", Some("Africa/Lagos")),
            candidate("Priya Nair", "priya@example.net", Some("Asia/Kolkata")),
        ],
        ..VacancyInput::default()
    }
}
