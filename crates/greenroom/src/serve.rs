//! `serve`: the product, with real credentials.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use app::Worker;
use axum::Router;
use tokio::{net::TcpListener, sync::watch};

use crate::{config::Config, wiring, world::MachineClock};

/// Runs until the process is told to stop.
pub async fn serve(config: Config, home: Option<PathBuf>) -> Result<()> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} cannot be listened on; another program has it, or set GREENROOM_LISTEN", config.listen))?;
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
    tracing::info!(listen = %config.listen, public = %config.public_url, "ready");
    run(listener, web::router(installation.web), installation.app, stop_signal()).await
}

/// Serves `router` and runs jobs until `stop`; then lets both finish what they have begun.
pub async fn run(
    listener: TcpListener,
    router: Router,
    app: app::App,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let (stopping, mut stopped) = watch::channel(false);
    tokio::spawn(async move {
        stop.await;
        stopping.send_replace(true);
    });
    let mut for_worker = stopped.clone();
    let worker = tokio::spawn(Worker::new(app).run(async move {
        let wait = for_worker.wait_for(|stop| *stop).await;
        tracing::debug!(told = wait.is_ok(), "the worker stops");
    }));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let wait = stopped.wait_for(|stop| *stop).await;
            tracing::debug!(told = wait.is_ok(), "no new connections");
        })
        .await?;
    worker.await.context("the worker ended unexpectedly")
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
