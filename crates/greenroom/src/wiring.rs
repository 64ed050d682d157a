//! Putting the parts together: the same for `serve` and the demo.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use app::{App, Parts, Settings, SingleSignOn};
use calendars::{Caldav, Oidc, Webhooks, Zoho};
use domain::Timestamp;
use mail::{Mailbox, Sender, Smtp};
use ports::{CalendarProvider, Change, Clock, Entropy, ErasureList, Mailer, Put, Store, Witness};
use vault::{KeyId, KeyRing};
use web::{WebState, metrics::Metrics};

use crate::{
    backup::{Folder, Source},
    config::{Config, SignOnConfig},
    erasures::ErasureFile,
    keys::{self, KeyPlace},
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
    /// What backups are made of.
    pub source: Source,
    /// The keys as they were at the start, and where they are.
    pub keys: (KeyRing, KeyPlace),
    /// The folder of backups, if one is set.
    pub backups: Option<Arc<Folder>>,
    /// Says to other processes that this one works on the database file; held for as long as it does.
    pub presence: Option<File>,
}

/// What to do where something is sealed with a key that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Nothing starts.
    Refused,
    /// It is only looked at.
    Shown,
    /// It is about to be given up: even a key file that is gone is made anew.
    GivenUp,
}

/// Opens the database, finds the keys, and wires everything.
pub async fn install(config: &Config, home: Option<&Path>, clock: Arc<dyn Clock>, demo: bool) -> Result<Installation> {
    install_with(config, home, clock, demo, Lost::Refused).await
}

/// The same where keys may be lost.
pub async fn install_with(
    config: &Config,
    home: Option<&Path>,
    clock: Arc<dyn Clock>,
    demo: bool,
    lost: Lost,
) -> Result<Installation> {
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
    let keys = match lost {
        Lost::Refused => place.load(known.as_ref(), entropy.as_ref()).await?,
        Lost::Shown => place.load_what_is_left(known.as_ref(), None).await?,
        Lost::GivenUp => place.load_what_is_left(known.as_ref(), Some(entropy.as_ref())).await?,
    };
    let installation = name_installation(store.as_ref(), keys.active_id(), entropy.as_ref(), clock.now()).await?;

    let source = Source { database: Arc::clone(&store), installation: installation.clone(), entropy: Arc::clone(&entropy) };
    let backups = config.backup_dir.clone().map(|folder| Folder::new(source.clone(), folder, config.backup_keep)).transpose()?;
    let ring = keys.clone();
    let providers = providers(config, &clock)?;
    let mailer = mailer(config)?;
    let first_start = known.is_none();
    let app = App::new(Parts {
        store,
        providers,
        mailer,
        poster: Arc::new(Webhooks::new(config.webhook_secret.clone())?),
        witness: config.audit_file.clone().map(|path| -> Arc<dyn Witness> { Arc::new(WitnessFile::new(path)) }),
        erasure_list: config.backup_dir.as_deref().map(list_of_erasures),
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
            retention_days: config.retention_days,
            lending: config.lending,
            alerts: config.alerts.clone(),
            audit: config.audit.clone(),
            demo,
            refresh: config.refresh,
            timing: app::Timing::default(),
        },
    });
    config.sign_on.as_ref().map(|set| single_sign_on(&app, set)).transpose()?;
    if lost == Lost::Refused {
        let missing = app.missing_keys().await?;
        let sentence = |(id, seals): &(String, app::Seals)| format!("{} records are sealed with the key {id}", seals.all());
        ensure!(
            missing.is_empty(),
            "{}, which {} does not hold; put it back. {}",
            missing.iter().map(sentence).collect::<Vec<_>>().join(", "),
            place.name(),
            keys::LOST
        );
    }
    if lost == Lost::Refused {
        let orphans = app.orphaned_grants().await?;
        let sentence = |(provider, count): (&String, &usize)| format!("{count} managers have a calendar connected at {provider}");
        ensure!(
            orphans.is_empty(),
            "{}, which is not set up any more; set GREENROOM_CALDAV_SERVERS as it was, disconnect them, and take it away then",
            orphans.iter().map(sentence).collect::<Vec<_>>().join(", ")
        );
    }
    let start_id = format!("{:08x}", u32::from_be_bytes(entropy.bytes()));
    let web = WebState::new(app.clone(), config.open_oauth_from.clone(), &config.allowed_hosts, &start_id)
        .with_metrics(Metrics::new(config.metrics_from.clone(), process::ask()));
    Ok(Installation {
        app,
        web,
        first_start,
        source,
        keys: (ring, place),
        backups: backups.map(Arc::new),
        presence: alone.presence,
    })
}

/// Zoho first: it is used where nobody chose.
fn providers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn CalendarProvider>>> {
    let mut found: Vec<Arc<dyn CalendarProvider>> = vec![Arc::new(Zoho::new(config.zoho.clone())?)];
    if let Some(caldav) = &config.caldav {
        found.push(Arc::new(Caldav::new(caldav.clone(), Arc::clone(clock))?));
    }
    Ok(found)
}

fn single_sign_on(app: &App, set: &SignOnConfig) -> Result<()> {
    let provider = Oidc::new(set.client.clone()).map_err(|problem| anyhow::anyhow!("GREENROOM_OIDC_ISSUER: {problem}"))?;
    let (name, newcomers, passwords) = (set.name.clone(), set.newcomers.clone(), set.passwords);
    app.set_single_sign_on(SingleSignOn { provider: Arc::new(provider), name, newcomers, passwords })?;
    Ok(())
}

/// Whether other processes work on the same database file.
struct Alone {
    first: bool,
    presence: Option<File>,
}

/// Asks by an advisory lock beside the file; a lock ends with its process, however that ends. PostgreSQL is always shared.
fn alone(config: &Config) -> Result<Alone> {
    let Some(database) = config.database_file() else { return Ok(Alone { first: false, presence: None }) };
    let file = lock_file(&database)?;
    let first = file.try_lock().is_ok();
    if first {
        file.unlock()?;
    }
    // Shared from here on: a second process sees that it is not the first.
    file.try_lock_shared()
        .with_context(|| format!("the lock beside {} cannot be taken; a restore may be running", database.display()))?;
    Ok(Alone { first, presence: Some(file) })
}

/// Makes sure that nobody works on the database file, and keeps it so for as long as the answer lives. PostgreSQL says so itself.
pub fn lock_out(config: &Config) -> Result<Option<File>> {
    let Some(database) = config.database_file() else { return Ok(None) };
    let folder = config.database_folder().filter(|folder| !folder.exists());
    if let Some(folder) = folder {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("the folder {} for the database cannot be made", folder.display()))?;
    }
    let file = lock_file(&database)?;
    ensure!(file.try_lock().is_ok(), "a Greenroom works on {}; stop it first", database.display());
    Ok(Some(file))
}

fn lock_file(database: &Path) -> Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options.open(&path).with_context(|| format!("{} cannot be made", path.display()))
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

fn list_of_erasures(folder: &Path) -> Arc<dyn ErasureList> {
    Arc::new(ErasureFile::in_folder(folder))
}

fn mailer(config: &Config) -> Result<Arc<dyn Mailer>> {
    let sender = Sender::parse(&config.sender)?;
    Ok(match &config.smtp {
        Some(smtp) => Arc::new(Smtp::new(sender, smtp, config.mail_dir.clone())?),
        None => Arc::new(Mailbox::new(sender, config.mail_dir.clone())),
    })
}
