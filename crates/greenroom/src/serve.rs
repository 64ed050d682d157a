//! `serve`: the product, with real credentials.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use app::{App, Worker};
use axum::Router;
use domain::alerts::AlertKind;
use ports::Backups;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};
use web::WebState;

use crate::{
    config::Config,
    listen::{Certificate, Door, Peer, Reload, Socket, through},
    wiring,
    world::MachineClock,
};

/// After this, a stop waits no longer: neither for readers who do not end their connection nor for a provider that does not answer.
/// What is cut off is taken up again at the next start.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A certificate that ends sooner is reported. Authorities that renew by themselves do so a month before.
const CERTIFICATE_DAYS: i64 = 14;
/// How often the certificate's files are looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(2);

/// Runs until the process is told to stop.
pub async fn serve(config: Config, home: Option<PathBuf>) -> Result<()> {
    let listener = bind(config.listen, "GREENROOM_LISTEN").await?;
    let certificate = config.tls.as_ref().map(|(chain, key)| Certificate::load(chain, key)).transpose()?;
    let redirecting = match config.listen_http {
        Some(address) => Some(bind(address, "GREENROOM_LISTEN_HTTP").await?),
        None => None,
    };
    let installation = wiring::install(&config, home.as_deref(), Arc::new(MachineClock), false).await?;
    if installation.first_start {
        let link = installation.app.admin_link("first administrator").await?;
        println!(
            "Greenroom is new here. Log in to the dashboard once with this link, within a day:\n\n  {link}\n\nLater: greenroom admin link\n"
        );
    }
    if installation.app.keeps_mail() {
        tracing::warn!("EMAIL_HOST is not set: messages stay on the mailbox page of the dashboard");
    }
    if let Some(folder) = &installation.backups {
        installation.app.start_backups(Arc::clone(folder) as Arc<dyn Backups>).await?;
    } else {
        tracing::warn!("no backups are made here: set GREENROOM_BACKUP_DIR to a folder");
    }
    if let (true, Some(folder)) = (config.backups_beside_database, &config.backup_dir) {
        tracing::warn!(folder = %folder.display(), "backups are kept beside the database; set GREENROOM_BACKUP_DIR to a folder on another disk");
    }
    if installation.app.start_held().await? {
        tracing::warn!(
            "the installation is held after a restore: nothing goes out until an administrator releases it on the page /backups"
        );
    }
    installation.app.start_sweeps().await?;
    installation.app.start_looks().await?;
    tracing::info!(listen = %config.listen, public = %config.public_url, "ready");
    let router = web::router(installation.web.clone());
    let door = Door { public_url: config.public_url.clone(), trusted_proxies: config.trusted_proxies.clone() };
    if let Some(listener) = redirecting {
        let nothing = through(Router::new(), door.clone()).into_make_service_with_connect_info::<Peer>();
        tokio::spawn(async move { axum::serve(Socket::to_https(listener), nothing).await });
    }
    let socket = match &certificate {
        Some(certificate) => {
            tokio::spawn(keep_certificate(certificate.clone(), installation.app.clone()));
            Socket::tls(listener, certificate)?
        }
        None => Socket::plain(listener),
    };
    run(socket, door, router, installation.web, stop_signal()).await
}

async fn bind(address: SocketAddr, name: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on; another program has it, or set {name}"))
}

/// Takes over a renewed certificate, and says so in time where none comes.
async fn keep_certificate(certificate: Certificate, app: App) {
    let mut told = None;
    loop {
        let trouble = match certificate.reload() {
            Ok(reload) => {
                if reload == Reload::Replaced {
                    tracing::info!(ends_at = %certificate.ends_at(), "the renewed certificate is in use");
                }
                let days = (certificate.ends_at().as_second() - MachineClock::seconds()) / 86_400;
                (days < CERTIFICATE_DAYS).then(|| json!({"days": days}))
            }
            Err(error) => {
                let trouble = Some(json!({"unreadable": true}));
                if told.as_ref() != Some(&trouble) {
                    tracing::error!(error = format!("{error:#}"), "the certificate cannot be read again; the one in use stays");
                }
                trouble
            }
        };
        if told.as_ref() != Some(&trouble) {
            match app.report(AlertKind::CertificateEnding, "certificate", trouble.clone()).await {
                Ok(_) => told = Some(trouble),
                Err(error) => tracing::warn!(%error, "the state of the certificate could not be stored"),
            }
        }
        tokio::time::sleep(CERTIFICATE_LOOK).await;
    }
}

/// Serves `router` and runs jobs until `stop`; then lets both finish what they have begun, for [`STOP_LIMIT`] at most.
pub async fn run(
    socket: Socket,
    door: Door,
    router: Router,
    web: WebState,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let (stopping, mut stopped) = watch::channel(false);
    let app = web.app.clone();
    tokio::spawn(async move {
        stop.await;
        stopping.send_replace(true);
        // Live pages never end by themselves.
        web.stop();
    });
    let (mut for_worker, mut for_limit) = (stopped.clone(), stopped.clone());
    let worker = tokio::spawn(Worker::new(app).run(async move {
        let wait = for_worker.wait_for(|stop| *stop).await;
        tracing::debug!(told = wait.is_ok(), "the worker stops");
    }));
    let service = through(router, door).into_make_service_with_connect_info::<Peer>();
    let server = axum::serve(socket, service).with_graceful_shutdown(async move {
        let wait = stopped.wait_for(|stop| *stop).await;
        tracing::debug!(told = wait.is_ok(), "no new connections");
    });
    let finished = async {
        server.await?;
        worker.await.context("the worker ended unexpectedly")
    };
    let limit = async {
        let told = for_limit.wait_for(|stop| *stop).await.is_ok();
        tracing::debug!(told, "what is under way may finish");
        tokio::time::sleep(STOP_LIMIT).await;
    };
    tokio::select! {
        result = finished => result,
        () = limit => {
            tracing::warn!(seconds = STOP_LIMIT.as_secs(), "some work did not end in time; it is taken up again at the next start");
            Ok(())
        }
    }
}

/// Resolves at Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "SIGTERM is not handled");
                if let Err(error) = tokio::signal::ctrl_c().await {
                    tracing::error!(%error, "Ctrl-C is not handled either");
                }
            }
        }
    }
}
