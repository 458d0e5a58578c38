//! Probes: is a client that says nothing still there? Its kernel is asked, not its program.
//!
//! TCP finds out about a peer that has vanished only when it has something to send, and then takes a quarter of an
//! hour. A probe (TCP keep-alive, RFC 9293 section 3.8.4) is a segment without data that a living kernel answers by
//! itself, however little its program has to say. It is not sent while data waits for an acknowledgement: then the time
//! counts for which that has been missing (`TCP_USER_TIMEOUT`, RFC 5482; both as in Linux's tcp(7)).
//!
//! The steps follow each other because Linux, once there is such a time, no longer counts probes but looks how long
//! nothing has come: a client that has been quiet for an hour would be given up after a single lost segment. So probes
//! are counted first, and the time is set when a living kernel has answered some.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::broker::Broker;
use crate::clock::ticks;
use crate::stats::BrokerStats;

/// Silence after which the kernel asks: for clients without keep-alive.
pub(crate) const USUALLY_AFTER: Duration = Duration::from_secs(60);
/// Time between two probes, and probes without an answer after which a peer is gone, as Linux has them (tcp(7)).
const USUAL: Times = Times(USUALLY_AFTER, Duration::from_secs(75), 9);
/// The same for a client that says nothing although something is due.
const EVERY: Duration = Duration::from_secs(2);
const PROBES: u32 = 5;
/// How long nothing may come from a kernel that is asked, or data be without its acknowledgement.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How long probes are counted: as long as it takes to miss all of them, and a moment.
const COUNTED_FOR: Duration = Duration::from_secs(11);
/// How long after that the client is asked as often as before.
const INSISTED_FOR: Duration = Duration::from_secs(20);

/// Silence until the first probe, time between two of them, and how many may miss their answer.
struct Times(Duration, Duration, u32);

/// How closely a client is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Probe {
    /// As everybody is.
    Usual,
    /// It is asked at once, and a few times more.
    Ask,
    /// And data that it does not acknowledge ends the connection, too.
    Insist,
    /// It has answered, and says nothing all the same: it is asked now and then.
    Watch,
}

impl Probe {
    /// The step that is due so many ticks after the first.
    pub(crate) fn after(passed: u32) -> Self {
        if passed < ticks(COUNTED_FOR) {
            Self::Ask
        } else if passed < ticks(COUNTED_FOR + INSISTED_FOR) {
            Self::Insist
        } else {
            Self::Watch
        }
    }

    /// The step of this number.
    pub(crate) fn of(number: u8) -> Self {
        match number {
            1 => Self::Ask,
            2 => Self::Insist,
            3 => Self::Watch,
            _ => Self::Usual,
        }
    }

    fn times(self) -> Times {
        match self {
            Self::Usual => USUAL,
            Self::Ask | Self::Insist => Times(EVERY, EVERY, PROBES),
            Self::Watch => Times(USUALLY_AFTER, EVERY, PROBES),
        }
    }

    /// How long data may be without its acknowledgement; `None` for as long as the kernel likes.
    fn patience(self) -> Option<Duration> {
        match self {
            Self::Usual | Self::Ask => None,
            Self::Insist => Some(ANSWERS_WITHIN),
            Self::Watch => Some(USUALLY_AFTER + ANSWERS_WITHIN),
        }
    }

    /// Has the kernel do it. Behind a proxy it is the proxy that answers.
    pub(crate) fn apply(self, socket: &TcpStream) -> io::Result<()> {
        let Times(after, every, probes) = self.times();
        let keepalive = TcpKeepalive::new()
            .with_time(after)
            .with_interval(every)
            .with_retries(probes);
        let socket = SockRef::from(socket);
        socket.set_tcp_user_timeout(self.patience())?;
        socket.set_tcp_keepalive(&keepalive)
    }
}

impl Broker {
    /// Something of this device is overdue: whether it is still there is found out for each of its connections, by
    /// asking the kernel at the other end. One that has gone is closed, as if its client had closed it without a
    /// good-bye; one that answers stays, however long it says nothing. Whoever is not connected, or is being asked, is
    /// left alone.
    ///
    /// Once the client says something, it is watched no closer than everybody else.
    pub fn probe(&self, identity: &str) {
        self.roster().ask(identity);
    }

    /// Looks at all who are here: ends those that have been silent for too long, and takes the next step with those
    /// that are being asked.
    pub(crate) fn look_at_silent(&self, now: u32) {
        let begun = self.roster().look(now);
        BrokerStats::add(&self.stats().probed, begun);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a socket has been told: seconds until the first probe and between two, probes, patience in seconds.
    type Told = (u64, u64, u32, Option<u64>);

    fn told(socket: &TcpStream) -> Told {
        let socket = SockRef::from(socket);
        (
            socket.tcp_keepalive_time().unwrap().as_secs(),
            socket.tcp_keepalive_interval().unwrap().as_secs(),
            socket.tcp_keepalive_retries().unwrap(),
            socket
                .tcp_user_timeout()
                .unwrap()
                .map(|patience| patience.as_secs()),
        )
    }

    #[test]
    fn probes_are_counted_before_a_time_is_set_and_are_rare_after_that() {
        let steps = [0, 43, 44, 123, 124, u32::MAX].map(Probe::after);
        let expected = [
            Probe::Ask,
            Probe::Ask,
            Probe::Insist,
            Probe::Insist,
            Probe::Watch,
            Probe::Watch,
        ];
        assert_eq!(steps, expected);
        for step in [Probe::Usual, Probe::Ask, Probe::Insist, Probe::Watch] {
            assert_eq!(Probe::of(step as u8), step);
        }
        let missed = EVERY * PROBES;
        assert!(COUNTED_FOR > missed, "all may be missed before the time is set");
        assert!(
            missed <= ANSWERS_WITHIN,
            "several are missed before the time is over"
        );
    }

    #[tokio::test]
    async fn a_socket_is_told_each_step_and_is_as_before_in_the_end() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        crate::listener::prepare(&socket).unwrap();
        let before = told(&socket);
        for (step, expected) in [
            (Probe::Ask, (2, 2, 5, None)),
            (Probe::Insist, (2, 2, 5, Some(10))),
            (Probe::Watch, (60, 2, 5, Some(70))),
            (Probe::Usual, (60, 75, 9, None)),
        ] {
            step.apply(&socket).unwrap();
            assert_eq!(told(&socket), expected, "{step:?}");
        }
        assert_eq!((before.0, before.3), (60, None));
    }
}
