//! Reaching the server: the URL, TLS with verified certificates, the pool, and the migrations.

use std::{error::Error as StdError, net::IpAddr, path::Path, sync::Arc, time::Duration};

use deadpool_postgres::{ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Config, NoTls, Transaction,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::value::{borrowed, types};
use crate::{db::Param, error::OpenError, schema};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const WAIT: Duration = Duration::from_secs(15);
/// Names the lock that is held while the schema is brought up to date.
const MIGRATION_LOCK: i64 = 0x0067_7265_656e_726d;
/// Names, together with the schema, the lock that the connections of running nodes share.
pub(super) const PRESENCE: i32 = 0x0067_7265;
const PRESENT: &str = "SELECT pg_advisory_lock_shared($1, hashtext(current_schema()))";

/// Whether the URL names a PostgreSQL server.
pub(crate) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// What the URL says.
struct Target {
    config: Config,
    roots: Option<String>,
}

/// `sslmode=verify-full` and `sslrootcert` are words of libpq that the client does not know: every certificate is verified here.
fn parse(url: &str) -> Result<Target, OpenError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut roots = None;
    let mut kept = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require"),
            Some(("sslrootcert", path)) => roots = Some(path.to_owned()),
            _ => kept.push(part),
        }
    }
    let plain = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| OpenError::Url(words(&error)))?;
    config.connect_timeout(CONNECT_TIMEOUT);
    if config.get_application_name().is_none() {
        config.application_name("greenroom");
    }
    // Without a word about TLS a password does not leave this machine in the clear.
    if config.get_ssl_mode() == SslMode::Prefer {
        config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
    }
    Ok(Target { config, roots })
}

fn is_local(config: &Config) -> bool {
    config.get_hostaddrs().iter().all(IpAddr::is_loopback)
        && config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
            #[cfg(unix)]
            Host::Unix(_) => true,
        })
}

/// The usual authorities, or only the one that `sslrootcert` names.
fn tls(roots: Option<&str>) -> Result<MakeRustlsConnect, OpenError> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let bad = |why: String| OpenError::Certificate { path: path.to_owned(), why };
            for certificate in CertificateDer::pem_file_iter(Path::new(path)).map_err(|error| bad(error.to_string()))? {
                let certificate = certificate.map_err(|error| bad(error.to_string()))?;
                store.add(certificate).map_err(|error| bad(error.to_string()))?;
            }
            if store.is_empty() {
                return Err(bad("it holds no certificate".to_owned()));
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Server(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A pool; nothing is connected yet. Connections of a node that works on the database (`present`) say so for as long as they live, by a
/// lock that all of them share: whoever puts another content in its place must be alone.
pub(super) fn pool(url: &str, connections: usize, present: bool) -> Result<Pool, OpenError> {
    let Target { config, roots } = parse(url)?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if config.get_ssl_mode() == SslMode::Disable {
        Manager::from_config(config, NoTls, recycling)
    } else {
        Manager::from_config(config, tls(roots.as_deref())?, recycling)
    };
    let say = Hook::async_fn(move |client: &mut ClientWrapper, _| {
        Box::pin(async move {
            if present {
                client.execute(PRESENT, &[&PRESENCE]).await.map_err(HookError::Backend)?;
            }
            Ok(())
        })
    });
    Pool::builder(manager)
        .post_create(say)
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .recycle_timeout(Some(WAIT))
        .build()
        .map_err(|error| OpenError::Server(error.to_string()))
}

/// Runs what is missing, in one transaction under a lock that all nodes respect.
pub(super) async fn migrate(pool: &Pool, now: &str) -> Result<(), OpenError> {
    let mut client = pool.get().await.map_err(|error| OpenError::Server(pool_words(&error)))?;
    let failed = |error: tokio_postgres::Error| OpenError::Migration(words(&error));
    let transaction = client.transaction().await.map_err(failed)?;
    migrate_to(&transaction, schema::newest(), now).await?;
    transaction.commit().await.map_err(failed)
}

/// The same up to a version, in a transaction that is open.
pub(super) async fn migrate_to(transaction: &Transaction<'_>, version: i64, now: &str) -> Result<(), OpenError> {
    let failed = |error: tokio_postgres::Error| OpenError::Migration(words(&error));
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await.map_err(failed)?;
    transaction.batch_execute(schema::HISTORY).await.map_err(failed)?;
    let newest = match transaction.query_opt(schema::NEWEST, &[]).await.map_err(failed)? {
        Some(row) => Some((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?)),
        None => None,
    };
    for migration in schema::missing(newest)?.filter(|migration| migration.version <= version) {
        tracing::info!(version = migration.version, name = migration.name, "migrating the database");
        for statement in migration.statements {
            transaction.batch_execute(statement).await.map_err(failed)?;
        }
        let at: i64 = transaction.query_one(now, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
        let record =
            [Param::from(migration.version), Param::from(migration.name), Param::from(migration.oldest_program), Param::from(at)];
        let statement = transaction.prepare_typed(schema::RECORD, &types(&record)).await.map_err(failed)?;
        transaction.execute(&statement, &borrowed(&record)).await.map_err(failed)?;
    }
    Ok(())
}

/// What the server or the network said, without the values that details of a database error may repeat.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return format!("{} ({})", answer.message(), answer.code().code());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

pub(super) fn pool_words(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => words(error),
        PoolError::Timeout(_) => "no connection became free in time".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn tls_is_required_beyond_this_machine_unless_switched_off() {
        assert_eq!(mode("postgres://ana@localhost/greenroom"), SslMode::Disable);
        assert_eq!(mode("postgres://ana@127.0.0.1:5433/greenroom"), SslMode::Disable);
        assert_eq!(mode("postgres://ana@db.example.com/greenroom"), SslMode::Require);
        assert_eq!(mode("postgres://ana@db.example.com/greenroom?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://ana@localhost/greenroom?sslmode=verify-full"), SslMode::Require);
        assert_eq!(mode("postgres://ana@localhost,db.example.com/greenroom"), SslMode::Require);
    }

    #[test]
    fn several_hosts_and_their_role_are_understood() {
        let target =
            parse("postgres://ana@a.example.com:5432,b.example.com:5433/greenroom?target_session_attrs=read-write&sslrootcert=/etc/ca.pem")
                .unwrap();
        assert_eq!(target.config.get_hosts().len(), 2);
        assert_eq!(target.config.get_ports(), [5432, 5433]);
        assert_eq!(target.roots.as_deref(), Some("/etc/ca.pem"));
    }

    #[test]
    fn errors_do_not_repeat_the_password() {
        let error = pool("postgres://ana:geheim@db.example.com/greenroom?nonsense=1", 1, true).err().unwrap().to_string();
        assert!(!error.contains("geheim"), "{error}");
        assert!(error.contains("DATABASE_URL"), "{error}");
    }
}
