//! Renewal: looks every few seconds whether the certificate files have changed, and takes the new ones into use. A site
//! runs for years, its certificates for weeks.

use std::sync::Arc;
use std::time::Duration;

use roost_runtime::{BoxError, Context};
use tracing::{error, info};

use super::Certificates;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks until it is told to stop. It is ready once it has tried to read the files.
pub(crate) async fn run(certificates: Arc<Certificates>, context: Context) -> Result<(), BoxError> {
    loop {
        look(&certificates).await?;
        context.ready();
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            () = certificates.wanted() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Looks once, where it may wait for the disk.
async fn look(certificates: &Arc<Certificates>) -> Result<(), BoxError> {
    let work = Arc::clone(certificates);
    match tokio::task::spawn_blocking(move || work.reload_if_changed()).await? {
        Ok(true) => info!("certificates read: new TLS connections are served with them"),
        Ok(false) => {}
        Err(error) if certificates.config().is_some() => {
            error!(%error, "the new certificates can't be used; the old ones stay in use");
        }
        Err(error) => error!(%error, "no TLS until there are certificates; everything else runs"),
    }
    Ok(())
}
