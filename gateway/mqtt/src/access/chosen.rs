//! Secrets that people have chosen: checked slowly, two at a time, on threads that may block; and remembered, so that a
//! client that returns is let in as fast as any other.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashMap};
use roost_store::{Secrets, verify_chosen};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::lobby::neighbourhood;
use crate::pace::{Pace, Rate};

/// Checks at a time: each takes a processor and 19 MiB for tens of milliseconds.
const AT_A_TIME: usize = 2;
/// Checks that wait for their turn; one more is told that the gateway is busy.
const WAITING: usize = 64;
/// Secrets that are remembered as verified.
const REMEMBERED: usize = 20_000;
/// Names and addresses whose failures are remembered.
const FAILURES: usize = 8_192;
/// Wrong secrets for one name from one address: one a second in the long run, and five at once.
const PER_NAME: (u32, Duration) = (1, Duration::from_secs(5));
/// Wrong secrets from one address, whatever the names: five a second, and fifty at once.
const PER_ADDRESS: (u32, Duration) = (5, Duration::from_secs(10));

/// Why a secret was not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

/// A table of limited size that forgets what was put into it longest ago, half of it at a time.
#[derive(Debug)]
struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash, V: Copy> Recent<K, V> {
    fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most,
        }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

/// Checks secrets that people have chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    secrets: Secrets,
    turns: Semaphore,
    waiting: AtomicUsize,
    /// Marks of user name, secret and hash: a record that changes has another hash, and nothing is remembered of it.
    verified: Mutex<Recent<[u8; 32], ()>>,
    failures: Mutex<Recent<u64, Pace>>,
    hashes: DefaultHashBuilder,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chosen {
    pub(super) fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            turns: Semaphore::new(AT_A_TIME),
            waiting: AtomicUsize::new(0),
            verified: Mutex::new(Recent::new(REMEMBERED)),
            failures: Mutex::new(Recent::new(FAILURES)),
            hashes: DefaultHashBuilder::default(),
        }
    }

    fn mark(&self, user: &str, password: &str, hash: &str) -> [u8; 32] {
        self.secrets.mark(&[user, password, hash])
    }

    /// Whether this was verified before, and the record is still the same.
    pub(super) fn is_known(&self, user: &str, password: &str, hash: &str) -> bool {
        let mark = self.mark(user, password, hash);
        lock(&self.verified).get(&mark).is_some()
    }

    /// Checks a secret, which takes its time. A failure is counted against name and address: whoever fails too often
    /// is not listened to for a while, right or wrong, and costs nothing then.
    pub(super) async fn check(
        &self,
        (user, peer): (&str, IpAddr),
        password: &str,
        hash: &str,
    ) -> Result<bool, Busy> {
        let address = neighbourhood(peer);
        let limits = [
            (self.hashes.hash_one((address, user)), PER_NAME),
            (self.hashes.hash_one(address), PER_ADDRESS),
        ];
        if limits.iter().any(|(key, limit)| self.must_wait(*key, *limit)) {
            return Err(Busy);
        }
        let mark = self.mark(user, password, hash);
        let is_right = self.verify(mark, password, hash).await?;
        if is_right {
            lock(&self.verified).put(mark, ());
        } else {
            for (key, limit) in limits {
                self.count_failure(key, limit);
            }
        }
        Ok(is_right)
    }

    async fn verify(&self, mark: [u8; 32], password: &str, hash: &str) -> Result<bool, Busy> {
        let _waiting = Waiting::new(&self.waiting)?;
        let _turn = self.turns.acquire().await.map_err(|_| Busy)?;
        if lock(&self.verified).get(&mark).is_some() {
            // Another connection of the same client was checked meanwhile.
            return Ok(true);
        }
        let (password, hash) = (password.to_owned(), hash.to_owned());
        let work = move || verify_chosen(&password, &hash);
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }

    fn must_wait(&self, key: u64, (per_s, burst): (u32, Duration)) -> bool {
        let pace = lock(&self.failures).get(&key);
        let rate = Rate::new(per_s, burst);
        pace.zip(rate)
            .is_some_and(|(pace, rate)| pace.ready_at(rate, Instant::now()).is_some())
    }

    fn count_failure(&self, key: u64, (per_s, burst): (u32, Duration)) {
        let Some(rate) = Rate::new(per_s, burst) else {
            return;
        };
        let now = Instant::now();
        let mut failures = lock(&self.failures);
        let mut pace = failures.get(&key).unwrap_or_else(|| Pace::new(now));
        pace.spend(rate, 1, now);
        failures.put(key, pace);
    }
}

/// One of those that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Result<Self, Busy> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        if before < WAITING + AT_A_TIME {
            Ok(waiting)
        } else {
            Err(Busy)
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_store::{Store, StoreOptions, hash_chosen};

    fn chosen() -> (Chosen, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), StoreOptions::default()).unwrap();
        (Chosen::new(Secrets::open(&store).unwrap()), directory)
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn what_was_verified_is_known_until_the_record_changes() {
        let (chosen, _directory) = chosen();
        let hash = hash_chosen("correct horse").unwrap();
        assert!(!chosen.is_known("anna", "correct horse", &hash));
        assert_eq!(
            chosen.check(("anna", HERE), "correct horse", &hash).await,
            Ok(true)
        );
        assert!(chosen.is_known("anna", "correct horse", &hash));
        for (user, password, hash) in [
            ("bert", "correct horse", &hash),
            ("anna", "correct hors", &hash),
            ("anna", "correct horse", &hash_chosen("correct horse").unwrap()),
        ] {
            assert!(!chosen.is_known(user, password, hash), "{user} {password}");
        }
    }

    #[tokio::test]
    async fn who_guesses_is_not_listened_to_after_five_and_others_are() {
        let (chosen, _directory) = chosen();
        let hash = hash_chosen("correct horse").unwrap();
        for _ in 0..5 {
            // Two hashes may take longer than a second gives back, so that the clock is not what is tested here.
            let key = chosen.hashes.hash_one((HERE, "anna"));
            chosen.count_failure(key, (1, Duration::from_secs(5)));
        }
        assert_eq!(
            chosen.check(("anna", HERE), "correct horse", &hash).await,
            Err(Busy)
        );
        let elsewhere = "10.0.0.1".parse().unwrap();
        assert_eq!(
            chosen.check(("anna", elsewhere), "correct horse", &hash).await,
            Ok(true)
        );
        assert_eq!(chosen.check(("bert", HERE), "wrong", &hash).await, Ok(false));
    }

    #[test]
    fn tables_forget_the_oldest_and_never_grow_beyond_their_size() {
        let mut recent = Recent::new(10);
        for number in 0..100 {
            recent.put(number, ());
            assert!(recent.young.len() + recent.old.len() <= 10);
            assert!(recent.get(&number).is_some());
        }
        assert!(recent.get(&0).is_none() && recent.get(&95).is_some());
    }
}
