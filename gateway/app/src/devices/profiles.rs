//! Profiles at work: the codec of each, built once and shared by all its devices.

mod check;
pub(crate) mod desk;
mod folder;
mod shelf;
pub(crate) mod trial;

pub(crate) use check::check;
pub(crate) use folder::Folder;
pub(crate) use shelf::{Shelf, find, overview, seed, text_of};

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use roost_drivers::{Codec, CodecDef, CodecError, codec_for};
use roost_model::Profile;

type Build = fn(Profile) -> Result<Box<dyn Codec>, CodecError>;

/// What makes codecs: those that a program of one's own brings, by the profile they serve, before the built-in ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Builders(Vec<(&'static str, Build)>);

impl Builders {
    pub(crate) fn new(codecs: &[CodecDef]) -> Self {
        Self(codecs.iter().map(|def| (def.name, def.build)).collect())
    }

    /// Builds the codec of a profile.
    ///
    /// # Errors
    /// [`CodecError`] if the profile contradicts itself.
    pub(crate) fn build(&self, profile: Profile) -> Result<Box<dyn Codec>, CodecError> {
        match self.0.iter().find(|(name, _)| *name == profile.id) {
            Some((_, build)) => build(profile),
            None => codec_for(profile),
        }
    }
}

/// Codecs by the id of their profile.
#[derive(Default)]
pub(crate) struct Codecs {
    by_profile: RwLock<HashMap<Arc<str>, Arc<dyn Codec>>>,
}

impl Codecs {
    /// Puts a codec in the place of the one that the profile had.
    pub(crate) fn set(&self, profile: &str, codec: Box<dyn Codec>) {
        let mut by_profile = self.by_profile.write().unwrap_or_else(PoisonError::into_inner);
        by_profile.insert(profile.into(), Arc::from(codec));
    }

    /// Takes out the codec of a profile that is gone.
    pub(crate) fn remove(&self, profile: &str) {
        let mut by_profile = self.by_profile.write().unwrap_or_else(PoisonError::into_inner);
        by_profile.remove(profile);
    }

    /// The codec of a profile.
    #[must_use]
    pub(crate) fn get(&self, profile: &str) -> Option<Arc<dyn Codec>> {
        self.by_profile
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(profile)
            .cloned()
    }

    /// The name of a profile as it is kept here, so that its devices share it.
    #[must_use]
    pub(crate) fn name(&self, profile: &str) -> Arc<str> {
        let by_profile = self.by_profile.read().unwrap_or_else(PoisonError::into_inner);
        let known = by_profile.get_key_value(profile);
        known.map_or_else(|| profile.into(), |(name, _)| Arc::clone(name))
    }

    /// The profiles, in order.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<String> {
        let by_profile = self.by_profile.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = by_profile.keys().map(|name| name.to_string()).collect();
        names.sort_unstable();
        names
    }
}
