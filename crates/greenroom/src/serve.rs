//! `serve`: the product, with real credentials.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use app::Worker;
use axum::Router;
use tokio::{net::TcpListener, sync::watch};
use web::WebState;

use crate::{config::Config, wiring, world::MachineClock};

/// After this, a stop waits no longer: neither for readers who do not end their connection nor for a provider that does not answer.
/// What is cut off is taken up again at the next start.
const STOP_LIMIT: Duration = Duration::from_secs(10);

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
    let router = web::router(installation.web.clone());
    run(listener, router, installation.web, stop_signal()).await
}

/// Serves `router` and runs jobs until `stop`; then lets both finish what they have begun, for [`STOP_LIMIT`] at most.
pub async fn run(
    listener: TcpListener,
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
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
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
