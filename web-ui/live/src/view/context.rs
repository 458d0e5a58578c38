//! What a view has besides its own state: the flash, its address, its uploads, and what it can ask for.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::component::LiveComponent;
use super::components::Components;
use super::effects::{Effects, Go};
use super::handle::{Handle, Inbox};
use super::listening::{FilterError, Listening};
use super::live_view::LiveView;
use super::nest::{Nest, Standing};
use super::present::Present;
use super::timers::Timers;
use super::upload::{Entry, Upload, UploadOptions};
use crate::flash::Flash;
use crate::params::Params;
use crate::render::{Cid, Raw};
use crate::session::Session;
use crate::site::Site;

/// What a view has besides its own state, and what it can ask for. Handed to every callback.
pub struct Context {
    pub(crate) site: Site,
    pub(crate) connected: bool,
    /// The number of the client's connection; 0 in the dead render, to which nothing is sent.
    pub(crate) connection: u64,
    pub(crate) id: Box<str>,
    pub(crate) address: Box<str>,
    pub(crate) flash: Flash,
    /// Whether what all parts of the page may show has changed since the page was rendered.
    pub(crate) touched: bool,
    pub(crate) effects: Effects,
    pub(crate) inbox: Option<Inbox>,
    pub(crate) listening: Option<Box<Listening>>,
    pub(crate) timers: Timers,
    pub(crate) assigned: Vec<(TypeId, Box<dyn Any + Send>)>,
    /// Assets that the page was loaded with, as the client says.
    pub(crate) assets: Box<[String]>,
    /// What the page's own script said at the join.
    pub(crate) connect_params: Params,
    pub(crate) uploads: Vec<Upload>,
    pub(crate) nest: Option<Nest>,
    pub(crate) present: Option<Box<Present>>,
    pub(crate) components: RefCell<Option<Box<Components>>>,
}

impl Context {
    pub(crate) fn new(site: Site, id: &str, address: &str, inbox: Option<Inbox>) -> Self {
        Self {
            site,
            connected: inbox.is_some(),
            connection: 0,
            id: id.into(),
            address: address.into(),
            flash: Flash::default(),
            touched: false,
            effects: Effects::default(),
            inbox,
            listening: None,
            timers: Timers::default(),
            assigned: Vec::new(),
            assets: Box::default(),
            connect_params: Params::default(),
            uploads: Vec::new(),
            nest: None,
            present: None,
            components: RefCell::new(None),
        }
    }

    /// Whether the browser's client is connected. `false` in the dead render, where timers and subscriptions are of no
    /// use.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// The id of the view's element; its topic is `lv:` and this.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Path and query that the browser shows.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the page's script gives its `LiveSocket` as `params`: the browser's time zone, say. Said by the client: to
    /// be believed as little as a form. Names that begin with an underscore are the client's own and not here. None in
    /// the dead render, or if they have more than [`CONNECT_BYTES`](super::CONNECT_BYTES) as JSON.
    #[must_use]
    pub fn connect_params(&self) -> &Params {
        &self.connect_params
    }

    /// The program's own state, as the site was given it; `None` if that is of another type.
    #[must_use]
    pub fn app<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.site.app().downcast_ref()
    }

    /// The token for a form of this page that is posted in the old way, to a route that asks
    /// [`Session::is_own`](crate::Session::is_own). `session` is the one that `mount` was given.
    #[must_use]
    pub fn csrf_token(&self, session: &Session) -> String {
        session.csrf_token(self.site.key())
    }

    /// Keeps a value that a guard found, for the view to look at later: the user, say. One of each type.
    pub fn assign<T: Send + 'static>(&mut self, value: T) {
        let id = TypeId::of::<T>();
        self.assigned.retain(|(known, _)| *known != id);
        self.assigned.push((id, Box::new(value)));
    }

    /// A value that a guard has kept.
    #[must_use]
    pub fn assigned<T: Send + 'static>(&self) -> Option<&T> {
        let id = TypeId::of::<T>();
        let found = self.assigned.iter().find(|(known, _)| *known == id);
        found.and_then(|(_, value)| value.downcast_ref())
    }

    /// The flash message of a kind.
    #[must_use]
    pub fn flash(&self, kind: &str) -> Option<&str> {
        self.flash.get(kind)
    }

    /// Tells the reader something once: here, or on the page that the view goes to in the same callback.
    pub fn put_flash(&mut self, kind: &str, text: impl Into<String>) {
        self.touched = true;
        self.flash.put(kind, text);
    }

    /// Removes the flash message of a kind, or all.
    pub fn clear_flash(&mut self, kind: Option<&str>) {
        self.touched = true;
        self.flash.clear(kind);
    }

    /// Sets the title of the page. Only the main view of a page has one.
    pub fn title(&mut self, title: impl Into<String>) {
        self.effects.title = Some(title.into());
    }

    /// Sends an event to the page: `phx:<name>` on the window, `handleEvent(name)` in hooks, after the page was
    /// changed. At most [`EVENTS`](super::EVENTS) by one callback.
    pub fn push_event(&mut self, name: &str, payload: impl Serialize) {
        self.effects.event(name, payload, false);
    }

    /// The same, dispatched before the page is changed.
    pub fn push_event_before(&mut self, name: &str, payload: impl Serialize) {
        self.effects.event(name, payload, true);
    }

    /// Sends a message of the protocol as it is on the view's topic. For clients of your own, and for tests of the
    /// stock one: what the page needs has a method of its own.
    pub fn push_raw(&mut self, event: &str, payload: &Value) {
        self.effects.raw.push((event.to_owned(), payload.to_string()));
    }

    /// Answers the event that is being handled: what the hook's `pushEvent` gets. A map.
    pub fn reply(&mut self, reply: impl Serialize) {
        match serde_json::to_value(reply) {
            Ok(reply) => self.effects.reply = Some(reply),
            Err(error) => tracing::error!(%error, "a reply is no JSON: its maps need text as keys"),
        }
    }

    /// Changes the browser's address without leaving the view: `handle_params` is called with it. `to` is an address
    /// that leads to this view: one that does not, or more than [`PATCHES`](super::PATCHES) in a row, ends it as a
    /// panic does.
    pub fn push_patch(&mut self, to: impl Into<String>) {
        let (to, replace) = (to.into(), false);
        self.go(Go::Patch { to, replace });
    }

    /// Goes to another live view of the same group. This view ends.
    pub fn push_navigate(&mut self, to: impl Into<String>) {
        let (to, replace) = (to.into(), false);
        self.go(Go::Navigate { to, replace });
    }

    /// Goes to any page by a page load. This view ends.
    pub fn redirect(&mut self, to: impl Into<String>) {
        self.go(Go::Redirect { to: to.into() });
    }

    /// Goes somewhere; with [`Go`] the address can be replaced instead of put on the history. The last call of a
    /// callback counts.
    pub fn go(&mut self, go: Go) {
        self.effects.go = Some(go);
    }

    /// A handle by which others can send this view messages; `M` is its [`Message`](crate::LiveView::Message). In the
    /// dead render nobody takes them.
    #[must_use]
    pub fn handle<M: Send + 'static>(&self) -> Handle<M> {
        Handle::new(self.inbox.clone())
    }

    /// Sends the view a message of its own after a time: a clock, a reminder. In the dead render nothing is sent. At
    /// most [`TIMERS`](super::TIMERS) may wait; one more takes the place of the latest.
    pub fn send_after<M: Send + 'static>(&mut self, after: Duration, message: M) {
        if self.connected {
            self.timers.set(after, Box::new(message));
        }
    }

    /// Listens to the bus: `handle_published` gets what is published under `filter`, beginning with what is retained.
    /// Does nothing in the dead render, or on a site without a bus.
    ///
    /// # Errors
    /// [`FilterError`] if it is no filter, or the view has [`SUBSCRIPTIONS`](super::SUBSCRIPTIONS) already.
    pub fn subscribe(&mut self, filter: &str) -> Result<(), FilterError> {
        let Some(bus) = self.site.bus().filter(|_| self.connected) else {
            return Listening::checked(filter).map(drop);
        };
        let listening = self
            .listening
            .get_or_insert_with(|| Box::new(Listening::new(bus)));
        listening.add(filter)
    }

    /// Stops listening to a filter.
    pub fn unsubscribe(&mut self, filter: &str) {
        if let Some(listening) = &mut self.listening {
            listening.remove(filter);
        }
    }

    /// The component of this type and id, with what the template says to it this time: the place of `{…}` in `html!`.
    /// It is made when it is placed for the first time.
    ///
    /// # Panics
    /// If the view has [`COMPONENTS`](super::COMPONENTS) already.
    pub fn component<C: LiveComponent>(&self, id: &str, props: C::Props) -> Cid {
        self.components
            .borrow_mut()
            .get_or_insert_default()
            .place::<C>(id, props)
    }

    /// Says something to a component from outside its template. Returns whether there is one of this type and id.
    pub fn update<C: LiveComponent>(&mut self, id: &str, props: C::Props) -> bool {
        let components = self.components.get_mut();
        components
            .as_mut()
            .is_some_and(|components| components.update::<C>(id, props))
    }

    /// Whether the page was loaded with other scripts and styles than `current`, paths of this program's own: then the
    /// reader can be asked to load it anew. Looks at elements with `phx-track-static`; `false` in the dead render.
    #[must_use]
    pub fn static_changed(&self, current: &[&str]) -> bool {
        let known = |asset: &String| current.iter().any(|path| asset.ends_with(path));
        !self.assets.iter().all(known)
    }

    /// Lets the page send files under `name`. Called in `mount`. A name that is given twice stands for the last.
    pub fn allow_upload(&mut self, name: &str, options: UploadOptions) {
        self.uploads.retain(|upload| upload.name() != name);
        self.uploads
            .push(Upload::new(self.connection, &self.id, name, options));
    }

    /// The upload of this name: its entries, their progress and errors.
    #[must_use]
    pub fn upload(&self, name: &str) -> Option<&Upload> {
        self.uploads.iter().find(|upload| upload.name() == name)
    }
}

impl Context {
    /// The element of a view within this one, with an id of its own; the view's type must be known to the
    /// [`Routes`](crate::Routes::nested). It lives by itself: `values`, a map, are in the session that its `mount`
    /// gets, and it has no parameters. It ends when this view does.
    ///
    /// The values travel in a token in the page: the browser can read them, but not change them. With the names of the
    /// view and of its group they are a token of at most [`TOKEN_BYTES`](crate::sign::TOKEN_BYTES), so there is room
    /// for about 5 kB of JSON; with more the view is left out, and the log says so.
    #[must_use]
    pub fn child<V: LiveView>(&self, id: &str, values: impl Serialize) -> Raw<String> {
        self.nested::<V>(id, values, Standing::In(&self.id))
    }

    /// The same for a view that does not end with this one: if the view that the browser goes to shows it too, under
    /// the same id, it stays with its state. A player, a clock, a list of alarms.
    #[must_use]
    pub fn sticky<V: LiveView>(&self, id: &str, values: impl Serialize) -> Raw<String> {
        self.nested::<V>(id, values, Standing::Sticky)
    }

    fn nested<V: LiveView>(&self, id: &str, values: impl Serialize, standing: Standing<'_>) -> Raw<String> {
        let values = serde_json::to_value(values).unwrap_or_default();
        match &self.nest {
            Some(nest) => nest.child::<V>(id, values, standing),
            None => Raw(String::new()),
        }
    }

    /// Hands the files of an upload that are here to `take`, one by one, and forgets them. A file is removed after
    /// `take` has returned; one that is to stay is moved away, by `std::fs::rename` say.
    pub fn consume_upload<T>(&mut self, name: &str, mut take: impl FnMut(&Entry, &Path) -> T) -> Vec<T> {
        self.touched = true;
        let upload = self.uploads.iter_mut().find(|upload| upload.name() == name);
        let done = upload.map(Upload::take_done).unwrap_or_default();
        done.iter()
            .filter_map(|entry| Some(take(entry, entry.path()?)))
            .collect()
    }

    /// The upload whose `<input>` has this id.
    pub(crate) fn upload_of(&mut self, reference: &str) -> Option<&mut Upload> {
        self.touched = true;
        self.uploads
            .iter_mut()
            .find(|upload| upload.reference() == reference)
    }

    /// Forgets one file of an upload; what came of it is removed. Returns whether there was one.
    pub fn cancel_upload(&mut self, name: &str, reference: &str) -> bool {
        self.touched = true;
        let upload = self.uploads.iter_mut().find(|upload| upload.name() == name);
        upload.is_some_and(|upload| upload.cancel(reference))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.id)
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}
