//! Putting the parts together: the same for `serve` and the demo.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use app::{App, Parts, Settings};
use calendars::{Webhooks, Zoho};
use domain::Timestamp;
use mail::{Mailbox, Sender, Smtp};
use ports::{Change, Clock, Entropy, Mailer, Put, Store, Witness};
use vault::KeyId;
use web::{WebState, metrics::Metrics};

use crate::{
    config::Config,
    keys::KeyPlace,
    process,
    witness::WitnessFile,
    world::{MachineClock, SystemEntropy},
};

/// A running installation without its sockets.
pub struct Installation {
    /// The use cases.
    pub app: App,
    /// What the web needs.
    pub web: WebState,
    /// Whether this was the first start.
    pub first_start: bool,
    /// Says to other processes that this one works on the database file; held for as long as it does.
    pub presence: Option<File>,
}

/// Opens the database, finds the keys, and wires everything.
pub async fn install(config: &Config, home: Option<&Path>, clock: Arc<dyn Clock>, demo: bool) -> Result<Installation> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    if let Some(folder) = config.database_folder() {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} for the database cannot be made", folder.display()))?;
    }
    let store = store::open(&config.database_url, store::Options::new(Arc::new(MachineClock), Arc::clone(&entropy))).await?;
    let alone = alone(config)?;
    if alone.first {
        store.free_leases().await?;
    }
    let known = store.setting("key_id").await?;
    let known: Option<KeyId> = known.as_deref().map(serde_json::from_str).transpose().context("the setting key_id is damaged")?;
    let place = KeyPlace::of(config, home)?;
    let keys = place.load(known.as_ref(), entropy.as_ref()).await?;
    let installation = name_installation(store.as_ref(), keys.active_id(), entropy.as_ref(), clock.now()).await?;

    let provider = Zoho::new(config.zoho.clone())?;
    let mailer = mailer(config)?;
    let first_start = known.is_none();
    let app = App::new(Parts {
        store,
        providers: vec![Arc::new(provider)],
        mailer,
        poster: Arc::new(Webhooks::new(config.webhook_secret.clone())?),
        witness: config.audit_file.clone().map(|path| -> Arc<dyn Witness> { Arc::new(WitnessFile::new(path)) }),
        clock,
        entropy: Arc::clone(&entropy),
        keys,
        key_source: Arc::new(place.clone()),
        installation,
        settings: Settings {
            public_url: config.public_url.clone(),
            company: config.company.clone(),
            recruiting_contact: config.recruiting_contact.clone(),
            default_week: config.week.clone(),
            link_days: config.link_days,
            lending: config.lending,
            alerts: config.alerts.clone(),
            audit: config.audit.clone(),
            demo,
            refresh: config.refresh,
            timing: app::Timing::default(),
        },
    });
    let start_id = format!("{:08x}", u32::from_be_bytes(entropy.bytes()));
    let web = WebState::new(app.clone(), config.open_oauth_from.clone(), &config.allowed_hosts, &start_id)
        .with_metrics(Metrics::new(config.metrics_from.clone(), process::ask()));
    Ok(Installation { app, web, first_start, presence: alone.presence })
}

/// Whether other processes work on the same database file.
struct Alone {
    first: bool,
    presence: Option<File>,
}

/// Asks by an advisory lock beside the file; a lock ends with its process, however that ends. PostgreSQL is always shared.
fn alone(config: &Config) -> Result<Alone> {
    let Some(database) = config.database_file() else { return Ok(Alone { first: false, presence: None }) };
    let mut path = database.into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("{} cannot be made", path.display()))?;
    let first = file.try_lock().is_ok();
    if first {
        file.unlock()?;
    }
    // Shared from here on: a second process sees that it is not the first.
    file.try_lock_shared().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(Alone { first, presence: Some(file) })
}

/// The installation's own name, made once; everything sealed is bound to it. The key's name beside it shows a wrong key at the start.
async fn name_installation(store: &dyn Store, key: &KeyId, entropy: &dyn Entropy, now: Timestamp) -> Result<String> {
    if let Some(text) = store.setting("installation").await? {
        return serde_json::from_str(&text).context("the setting installation is damaged");
    }
    let name = format!("ins_{:032x}", u128::from_be_bytes(entropy.bytes()));
    let setting = |key: &str, value: &str| -> Result<Put> { Ok(Put::Setting(key.to_owned(), serde_json::to_string(value)?)) };
    let puts = vec![setting("installation", &name)?, setting("key_id", key.as_str())?];
    store.commit(Change { puts, ..Change::at(now) }).await?;
    Ok(name)
}

fn mailer(config: &Config) -> Result<Arc<dyn Mailer>> {
    let sender = Sender::parse(&config.sender)?;
    Ok(match &config.smtp {
        Some(smtp) => Arc::new(Smtp::new(sender, smtp)?),
        None => Arc::new(Mailbox::new(sender, config.mail_dir.clone())),
    })
}
