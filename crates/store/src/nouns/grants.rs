//! Grants. Tokens are stored as the vault sealed them.

use std::sync::LazyLock;

use domain::{
    Id,
    grants::{Account, Grant, SealedTokens},
    people::Person,
};
use ports::store::{Page, Read};

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, code, json, opt_json};

static TABLE: Table = Table {
    name: "grants",
    columns: &[
        "id",
        "rev",
        "person",
        "provider",
        "state",
        "account_data_centre",
        "account_user_id",
        "account_email",
        "data_centre",
        "refresh_token",
        "previous_refresh_token",
        "access_token",
        "access_expires_at",
        "generation",
        "scopes",
        "refresh_record",
        "calendar",
        "busy_calendars",
        "request",
        "unverified",
        "pending",
        "connected_at",
        "ended_at",
        "ended_why",
        "created_at",
    ],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static OF_PERSON: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE person = $1 AND provider = $2 ORDER BY id LIMIT 1"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id > $1 ORDER BY id LIMIT $2"));

pub(super) fn put(grant: &Grant) -> Read<Noun> {
    let account = grant.account.as_ref();
    let tokens = grant.tokens.as_ref();
    let others = vec![
        Param::from(grant.person),
        Param::from(&grant.provider),
        code(&grant.state)?,
        Param::from(account.map(|account| account.data_centre.as_str())),
        Param::from(account.map(|account| account.user_id.as_str())),
        Param::from(account.map(|account| account.email.as_str())),
        Param::from(&grant.data_centre),
        Param::from(tokens.map(|tokens| &tokens.refresh)),
        Param::from(tokens.and_then(|tokens| tokens.previous_refresh.as_ref())),
        Param::from(tokens.map(|tokens| &tokens.access)),
        Param::from(tokens.map(|tokens| tokens.access_expires_at)),
        Param::from(grant.generation),
        json(&grant.scopes)?,
        json(&grant.refresh)?,
        opt_json(grant.calendar.as_ref())?,
        json(&grant.busy_calendars)?,
        opt_json(grant.request.as_ref())?,
        opt_json(grant.unverified.as_ref())?,
        opt_json(grant.pending.as_ref())?,
        Param::from(grant.connected_at),
        Param::from(grant.ended.as_ref().map(|(at, _)| *at)),
        Param::from(grant.ended.as_ref().map(|(_, why)| why.as_str())),
        Param::from(grant.created_at),
    ];
    Ok(Noun::row(&TABLE, "grant", &PUT, grant.id.to_string(), grant.rev, others))
}

fn account(columns: &mut Columns) -> Read<Option<Account>> {
    let (data_centre, user_id, email) = (columns.opt_text()?, columns.opt_text()?, columns.opt_text()?);
    match (data_centre, user_id, email) {
        (Some(data_centre), Some(user_id), Some(email)) => {
            let email = email.parse().map_err(|error| columns.bad(error))?;
            Ok(Some(Account { data_centre, user_id, email }))
        }
        (None, None, None) => Ok(None),
        _ => Err(columns.bad("an account is there only in part")),
    }
}

fn tokens(columns: &mut Columns) -> Read<Option<SealedTokens>> {
    let (refresh, previous_refresh) = (columns.opt_blob()?, columns.opt_blob()?);
    match (refresh, columns.opt_blob()?, columns.opt_time()?) {
        (Some(refresh), Some(access), Some(access_expires_at)) => {
            Ok(Some(SealedTokens { refresh, previous_refresh, access, access_expires_at }))
        }
        (None, None, None) if previous_refresh.is_none() => Ok(None),
        _ => Err(columns.bad("tokens are there only in part")),
    }
}

fn decode(row: Row) -> Read<Grant> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Grant {
        id: columns.id()?,
        rev: columns.int()?,
        person: columns.id()?,
        provider: columns.text()?,
        state: columns.code()?,
        account: account(&mut columns)?,
        data_centre: columns.opt_text()?,
        tokens: tokens(&mut columns)?,
        generation: columns.int()?,
        scopes: columns.json()?,
        refresh: columns.json()?,
        calendar: columns.opt_json()?,
        busy_calendars: columns.json()?,
        request: columns.opt_json()?,
        unverified: columns.opt_json()?,
        pending: columns.opt_json()?,
        connected_at: columns.opt_time()?,
        ended: match (columns.opt_time()?, columns.opt_text()?) {
            (Some(at), Some(why)) => Some((at, why)),
            (None, None) => None,
            _ => return Err(columns.bad("an end is there only in part")),
        },
        created_at: columns.time()?,
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Grant>) -> Read<Option<Grant>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

pub(crate) async fn of_person(engine: &Engine, person: Id<Person>, provider: &str) -> Read<Option<Grant>> {
    engine.one(&OF_PERSON, vec![person.into(), provider.into()], decode).await
}

pub(crate) async fn all(engine: &Engine, page: Page) -> Read<Vec<Grant>> {
    let after = page.after.unwrap_or_default();
    engine.list(&ALL, vec![after.into(), page.limit.into()], Size::of(page.limit.into()), decode).await
}
