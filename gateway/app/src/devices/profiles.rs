//! Profiles at work: the codec of each, built once and shared by all its devices.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use roost_drivers::{Codec, CodecDef, CodecError, codec_for};
use roost_model::Profile;

/// Codecs by the id of their profile.
#[derive(Default)]
pub(crate) struct Codecs {
    by_profile: RwLock<HashMap<String, Arc<dyn Codec>>>,
}

impl Codecs {
    /// Builds the codec of a profile: one of `extra` that has its name, or else what the list of codecs says.
    ///
    /// # Errors
    /// [`CodecError`] if the profile contradicts itself.
    pub(crate) fn add(&self, profile: &Profile, extra: &[CodecDef]) -> Result<(), CodecError> {
        let codec: Arc<dyn Codec> = match extra.iter().find(|def| def.name == profile.id) {
            Some(def) => Arc::from((def.build)(profile.clone())?),
            None => Arc::from(codec_for(profile.clone())?),
        };
        let mut by_profile = self.by_profile.write().unwrap_or_else(PoisonError::into_inner);
        by_profile.insert(profile.id.clone(), codec);
        Ok(())
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

    /// The profiles, in order.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<String> {
        let by_profile = self.by_profile.read().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<String> = by_profile.keys().cloned().collect();
        names.sort_unstable();
        names
    }
}
