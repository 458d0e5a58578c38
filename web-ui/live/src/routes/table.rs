//! The routes as the engine looks them up.

use std::collections::HashSet;

use super::{ErrorPage, Group, Pattern, PatternError, Routes};
use crate::params::Params;
use crate::view::ViewKind;

/// What an address leads to.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The group's place in the table.
    pub(crate) group: usize,
    pub(crate) kind: ViewKind,
    /// Those of the query, and over them those of the path.
    pub(crate) params: Params,
}

#[derive(Debug)]
struct Route {
    pattern: Pattern,
    group: usize,
    kind: ViewKind,
}

/// The routes as the engine looks them up.
#[derive(Debug)]
pub(crate) struct Table {
    groups: Vec<Group>,
    routes: Vec<Route>,
    nested: Vec<ViewKind>,
    pub(crate) error_page: Option<ErrorPage>,
}

impl Table {
    pub(crate) fn new(mut routes: Routes) -> Result<Self, PatternError> {
        let mut names = HashSet::new();
        if let Some(twice) = routes.groups.iter().find(|group| !names.insert(group.name)) {
            return Err(PatternError::GroupTwice(twice.name));
        }
        let mut all = Vec::new();
        for (group, views) in routes
            .groups
            .iter_mut()
            .map(|group| std::mem::take(&mut group.views))
            .enumerate()
        {
            for (path, kind) in views {
                let pattern = Pattern::new(path)?;
                all.push(Route { pattern, group, kind });
            }
        }
        Ok(Self {
            groups: routes.groups,
            routes: all,
            nested: routes.nested,
            error_page: routes.error_page,
        })
    }

    /// What an address leads to: path and query, or a whole URL, of which the host is not looked at.
    pub(crate) fn find(&self, address: &str) -> Option<Found> {
        let (path, query) = split(address);
        self.routes.iter().find_map(|route| {
            let variables = route.pattern.matches(path)?;
            let mut params = Params::of_query(query);
            params.0.extend(variables.0);
            let (group, kind) = (route.group, route.kind);
            Some(Found { group, kind, params })
        })
    }

    /// The group at a place.
    pub(crate) fn group(&self, at: usize) -> Option<&Group> {
        self.groups.get(at)
    }

    /// The place of the group of this name.
    pub(crate) fn group_named(&self, name: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.name == name)
    }

    /// The type of view of this name, with or without a path.
    pub(crate) fn kind_named(&self, name: &str) -> Option<ViewKind> {
        let mut all = self
            .nested
            .iter()
            .chain(self.routes.iter().map(|route| &route.kind));
        all.find(|kind| kind.name == name).copied()
    }
}

/// Path and query of a URL or an address, without scheme, host and fragment.
fn split(address: &str) -> (&str, &str) {
    let local = local(address);
    local.split_once('?').unwrap_or((local, ""))
}

/// What of a URL is the site's own business: path and query, beginning with a slash.
pub(crate) fn local(address: &str) -> &str {
    let local = address.split('#').next().unwrap_or_default();
    match local.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            rest.find(['/', '?']).map_or("/", |at| &rest[at..])
        }
        _ => local,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_not_looked_at() {
        assert_eq!(local("http://127.0.0.1:4100/two?z=1#top"), "/two?z=1");
        assert_eq!(local("http://box"), "/");
        assert_eq!(local("/go?to=http://other/"), "/go?to=http://other/");
        assert_eq!(split("/?a=1"), ("/", "a=1"));
    }

    #[test]
    fn two_groups_of_one_name_are_refused() {
        let group = || Group::new("pages", |_| crate::html! { <p></p> });
        let twice = Table::new(Routes::new().group(group()).group(group()));
        assert_eq!(twice.unwrap_err(), PatternError::GroupTwice("pages"));
    }
}
