//! The lobby: connections whose CONNECT was not judged yet. It has a number of seats, so that a crowd outside waits in
//! the kernel's queue and costs those who are in nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits::Limits;
use crate::pace::{Pace, Rate};
use crate::stats::BrokerStats;

/// Accepts of this much time may come in one moment.
const ACCEPT_BURST: Duration = Duration::from_millis(50);
/// How long a client may take whose address has more seats than it should: enough for a device at the end of a bad
/// line to shake hands and say who it is, and too short to block the others' way in.
const HURRIED: Duration = Duration::from_secs(2);
/// Of the seats, what one address can have at most: half.
const SHARE: usize = 2;

/// The seats.
#[derive(Debug)]
pub(crate) struct Lobby {
    seats: Arc<Semaphore>,
    taken: Mutex<HashMap<IpAddr, usize>>,
    pace: Mutex<Pace>,
    rate: Option<Rate>,
    limits: Limits,
    stats: Arc<BrokerStats>,
}

/// A place to wait in, for whoever is accepted next.
#[derive(Debug)]
pub(crate) struct Room(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

/// One connection's seat; dropping it gives it to another.
#[derive(Debug)]
pub(crate) struct Seat {
    lobby: Arc<Lobby>,
    address: IpAddr,
    /// By when its CONNECT must be here.
    pub(crate) deadline: Instant,
    _room: Room,
}

/// Whose seats are counted together: an IPv4 address, or the network of 64 bits that an IPv6 customer gets.
pub(crate) fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

impl Lobby {
    pub(crate) fn new(limits: Limits, stats: Arc<BrokerStats>) -> Arc<Self> {
        Arc::new(Self {
            seats: Arc::new(Semaphore::new(
                limits.connects_waiting.min(Semaphore::MAX_PERMITS),
            )),
            taken: Mutex::default(),
            pace: Mutex::new(Pace::new(Instant::now())),
            rate: Rate::new(limits.connects_per_s, ACCEPT_BURST),
            limits,
            stats,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another connection may be accepted: there is a seat, and it is time. `None` if the lobby is no more.
    pub(crate) async fn room(&self) -> Option<Room> {
        let room = Arc::clone(&self.seats).acquire_owned().await.ok().map(Room)?;
        while let Some(at) = self.ready_at() {
            tokio::time::sleep_until(at).await;
        }
        Some(room)
    }

    /// The same for somebody who can't wait.
    pub(crate) fn room_now(&self) -> Option<Room> {
        let room = Arc::clone(&self.seats).try_acquire_owned().ok().map(Room)?;
        self.ready_at().is_none().then_some(room)
    }

    fn ready_at(&self) -> Option<Instant> {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.ready_at(self.rate?, Instant::now())
    }

    /// Takes a seat. `None` if the clients of this address have half of all seats already.
    pub(crate) fn sit(self: &Arc<Self>, room: Room, address: IpAddr) -> Option<Seat> {
        let (now, address) = (Instant::now(), neighbourhood(address));
        if let Some(rate) = self.rate {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.spend(rate, 1, now);
        }
        let mut taken = self.taken();
        let theirs = taken.entry(address).or_insert(0);
        if *theirs >= (self.limits.connects_waiting / SHARE).max(1) {
            BrokerStats::count(&self.stats.turned_away);
            return None;
        }
        *theirs += 1;
        let within = if *theirs > self.limits.connects_waiting_per_address {
            self.limits.connect_within.min(HURRIED)
        } else {
            self.limits.connect_within
        };
        BrokerStats::count(&self.stats.connects_waiting);
        Some(Seat {
            lobby: Arc::clone(self),
            address,
            deadline: now + within,
            _room: room,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        BrokerStats::uncount(&self.lobby.stats.connects_waiting);
        let mut taken = self.lobby.taken();
        if let Some(theirs) = taken.get_mut(&self.address) {
            *theirs -= 1;
            if *theirs == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lobby(connects_waiting: usize, connects_waiting_per_address: usize) -> Arc<Lobby> {
        let limits = Limits {
            connects_waiting,
            connects_waiting_per_address,
            connects_per_s: 0,
            ..Limits::default()
        };
        Lobby::new(limits, Arc::default())
    }

    async fn sit(lobby: &Arc<Lobby>, address: &str) -> Option<Seat> {
        let room = lobby.room().await.unwrap();
        lobby.sit(room, address.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_above_its_share_is_hurried_and_others_are_not() {
        let lobby = lobby(100, 2);
        let now = Instant::now();
        let mut seats = Vec::new();
        for (address, seconds) in [
            ("10.0.0.1", 10),
            ("10.0.0.1", 10),
            ("10.0.0.1", 2),
            ("10.0.0.2", 10),
            ("::ffff:10.0.0.2", 10),
            ("::ffff:10.0.0.2", 2),
            ("2001:db8::1", 10),
            ("2001:db8::2", 10),
            ("2001:db8::3", 2),
            ("2001:db8:0:1::1", 10),
        ] {
            let seat = sit(&lobby, address).await.unwrap();
            assert_eq!((seat.deadline - now).as_secs(), seconds, "{address}");
            seats.push(seat);
        }
        seats.remove(0);
        let again = sit(&lobby, "10.0.0.1").await.unwrap();
        assert_eq!((again.deadline - now).as_secs(), 2, "two are left of it");
    }

    #[tokio::test]
    async fn one_address_never_has_more_than_half_of_the_seats() {
        let lobby = lobby(4, 100);
        let theirs = [sit(&lobby, "10.0.0.1").await, sit(&lobby, "10.0.0.1").await];
        assert!(theirs.iter().all(Option::is_some));
        assert!(sit(&lobby, "10.0.0.1").await.is_none());
        assert_eq!(BrokerStats::get(&lobby.stats.turned_away), 1);
        assert!(sit(&lobby, "10.0.0.2").await.is_some());
        assert_eq!(BrokerStats::get(&lobby.stats.connects_waiting), 2);
        drop(theirs);
        assert_eq!(BrokerStats::get(&lobby.stats.connects_waiting), 0);
        assert!(lobby.taken().is_empty());
    }

    #[tokio::test]
    async fn nobody_is_accepted_while_all_seats_are_taken() {
        let lobby = lobby(1, 1);
        let seat = sit(&lobby, "10.0.0.1").await;
        let next = lobby.room();
        tokio::pin!(next);
        tokio::select! {
            biased;
            _ = &mut next => panic!("there was no seat"),
            () = tokio::task::yield_now() => {}
        }
        drop(seat);
        assert!(next.await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn accepts_are_paced() {
        let limits = Limits {
            connects_per_s: 100,
            ..Limits::default()
        };
        let lobby = Lobby::new(limits, Arc::default());
        let begin = Instant::now();
        for _ in 0..205 {
            sit(&lobby, "10.0.0.1").await;
        }
        assert_eq!((begin.elapsed().as_millis() + 5) / 10, 200, "five came at once");
    }
}
