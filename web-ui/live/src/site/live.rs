//! The socket of a site's live views: who may connect, and the channels of views.

use std::sync::Arc;

use super::Site;
use crate::session::Session;
use crate::socket::{Accepted, Connect, Mount};
use crate::view::{UploadChannel, ViewChannel};

impl Site {
    /// The mount of the live socket, at `/live` say, for the endpoint. A client without a session, or without the proof
    /// that its page is of this site, may connect; its views are answered `stale`, and the page is loaded anew.
    pub fn mount(&self) -> Mount {
        let site = self.clone();
        let connect = move |connect: Connect| {
            let accepted = accepted(&site, &connect);
            async move { Ok(accepted) }
        };
        let shared = Arc::new(self.clone());
        Mount::new()
            .connect(connect)
            .channel::<ViewChannel>("lv:*", Arc::clone(&shared))
            .channel::<UploadChannel>("lvu:*", shared)
    }
}

fn accepted(site: &Site, connect: &Connect) -> Accepted {
    let token = connect.param("_csrf_token").unwrap_or_default();
    let session = Session::of(&connect.headers, site.key());
    let Some(session) = session.filter(|session| session.is_own(token, site.key())) else {
        return Accepted::new();
    };
    let accepted = match session.live_socket_id() {
        Some(id) => Accepted::new().id(id),
        None => Accepted::new(),
    };
    accepted.assign(session)
}
