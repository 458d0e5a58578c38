//! What all requests share, and the two caches that keep a large gateway cheap to look at.

use std::sync::Arc;
use std::time::Duration;

use roost_model::{Command, Device, Profile};
use roost_runtime::State;
use roost_store::StoreError;

use crate::cached::Cached;
use crate::live;
use crate::survey::Survey;
use crate::view::DeviceView;
use crate::web::Web;

/// How long the list of devices is kept. Own changes drop it at once.
const ROSTER_KEPT: Duration = Duration::from_secs(1);
/// How long a survey is kept.
pub(crate) const SURVEY_KEPT: Duration = Duration::from_secs(5);

/// Shared by all requests.
pub(crate) struct Site {
    pub(crate) web: Arc<Web>,
    roster: Cached<Vec<Device>>,
    survey: Cached<Survey>,
}

impl Site {
    pub(crate) fn new(web: Arc<Web>) -> Self {
        Self {
            web,
            roster: Cached::new(ROSTER_KEPT),
            survey: Cached::new(SURVEY_KEPT),
        }
    }

    /// All device records by id, at most a second old.
    pub(crate) async fn roster(&self) -> Result<Arc<Vec<Device>>, StoreError> {
        let read = self.web.store.run(|store| store.table::<Device>().all());
        self.roster.get(read).await
    }

    /// Who is connected, stale or in backoff, at most [`SURVEY_KEPT`] old.
    pub(crate) async fn survey(&self) -> Result<Arc<Survey>, StoreError> {
        let take = async {
            let (web, roster) = (Arc::clone(&self.web), self.roster().await?);
            let work = move |_: &_| Ok(Survey::take(&web, &roster));
            self.web.store.run(work).await
        };
        self.survey.get(take).await
    }

    /// A change was made here: whoever asks next sees it.
    pub(crate) async fn changed(&self) {
        self.roster.forget().await;
        self.survey.forget().await;
    }

    /// One record, as it is in the store now.
    pub(crate) async fn device(&self, id: &str) -> Result<Option<Device>, StoreError> {
        let id = id.to_owned();
        self.web
            .store
            .run(move |store| store.table::<Device>().get(&id))
            .await
    }

    /// One device with all that is known about it.
    pub(crate) async fn device_view(&self, id: &str) -> Result<Option<DeviceView>, StoreError> {
        let device = self.device(id).await?;
        Ok(device.map(|device| DeviceView::of(&self.web, device, live::now())))
    }

    /// One profile.
    pub(crate) async fn profile(&self, id: &str) -> Result<Option<Profile>, StoreError> {
        let id = id.to_owned();
        self.web
            .store
            .run(move |store| store.table::<Profile>().get(&id))
            .await
    }

    /// The last commands, newest first, of one device or of all; only those older than the command `before`, if it is
    /// given.
    pub(crate) async fn commands(
        &self,
        device: Option<String>,
        before: Option<String>,
        limit: usize,
    ) -> Result<Vec<Command>, StoreError> {
        let read = move |store: &roost_store::Store| {
            let table = store.table::<Command>();
            match device {
                Some(device) => table.last_of(&device, before.as_deref(), limit),
                None => table.last(before.as_deref(), limit),
            }
        };
        let commands = self.web.store.run(read).await?;
        let newest = |command| live::newest(&self.web.bus, command);
        Ok(commands.into_iter().map(newest).collect())
    }

    /// The direct children of the root with their states.
    pub(crate) fn services(&self) -> Vec<(String, State)> {
        // The limit bounds each level; no gateway has this many services.
        let tree = self.web.tree.tree(64);
        let services = tree.children.into_iter();
        services
            .map(|child| (child.child.name, child.child.state))
            .collect()
    }
}
