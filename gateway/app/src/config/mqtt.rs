//! `[mqtt]`: where devices connect, and what clients may make the gateway hold.

use std::net::SocketAddr;
use std::time::Duration;

use roost_runtime::BusLimits;
use serde::Deserialize;

use super::{TlsConfig, Within};

/// `[mqtt]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqttConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Connected clients.
    pub max_connections: Within<1, 1_000_000>,
    /// Bytes of a packet.
    pub max_packet_bytes: Within<128, 268_435_455>,
    /// Seconds until CONNECT.
    pub connect_within_s: Within<1, 300>,
    /// Messages that wait for a slow client.
    pub queue_messages: Within<1, 1_000_000>,
    /// Bytes of those messages.
    pub queue_bytes: Within<1024, 1_073_741_824>,
    /// Bytes of the messages in all queues together.
    pub max_queued_bytes: Within<1024, 17_179_869_184>,
    /// Unacknowledged messages of a client.
    pub max_in_flight: Within<1, 65_535>,
    /// Subscriptions of a client.
    pub max_subscriptions: Within<1, 10_000>,
    /// Connections accepted a second; 0 for all that come.
    pub connects_per_s: Within<0, 1_000_000>,
    /// Connections that have not been let in yet.
    pub max_connects_waiting: Within<2, 1_000_000>,
    /// The same of one address, before its clients are hurried.
    pub max_connects_waiting_per_address: Within<1, 1_000_000>,
    /// Messages that one device may publish a second; 0 for as many as it likes.
    pub publishes_per_s: Within<0, 1_000_000>,
    /// Bytes of unfinished packets and unsent answers of all clients together.
    pub max_buffer_bytes: Within<65_536, 17_179_869_184>,
    /// Sessions that outlive their connections.
    pub max_sessions: Within<1, 1_000_000>,
    /// Such sessions of one device.
    pub max_sessions_per_client: Within<1, 1_000_000>,
    /// Messages that wait in such a session.
    pub session_messages: Within<1, 1_000_000>,
    /// Bytes of those messages.
    pub session_bytes: Within<1024, 1_073_741_824>,
    /// Bytes of the messages in all such sessions together.
    pub max_sessions_bytes: Within<1024, 17_179_869_184>,
    /// Longest that a session may outlive its connection, in seconds.
    pub max_session_expiry_s: Within<1, 4_294_967_294>,
    /// Retained messages of clients.
    pub max_retained_messages: Within<1, 10_000_000>,
    /// Bytes of those messages together.
    pub max_retained_bytes: Within<1024, 17_179_869_184>,
    /// Connections of one device or client.
    pub max_connections_per_client: Within<1, 1_000_000>,
    /// TLS.
    pub tls: TlsConfig,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 1883).into(),
            max_connections: Within::new(20_000),
            max_packet_bytes: Within::new(262_144),
            connect_within_s: Within::new(10),
            queue_messages: Within::new(1000),
            queue_bytes: Within::new(4 << 20),
            max_queued_bytes: Within::new(128 << 20),
            max_in_flight: Within::new(100),
            max_subscriptions: Within::new(100),
            connects_per_s: Within::new(20_000),
            max_connects_waiting: Within::new(4096),
            max_connects_waiting_per_address: Within::new(256),
            publishes_per_s: Within::new(0),
            max_buffer_bytes: Within::new(64 << 20),
            max_sessions: Within::new(20_000),
            max_sessions_per_client: Within::new(100),
            session_messages: Within::new(10_000),
            session_bytes: Within::new(16 << 20),
            max_sessions_bytes: Within::new(128 << 20),
            max_session_expiry_s: Within::new(7 * 24 * 3600),
            max_retained_messages: Within::new(200_000),
            max_retained_bytes: Within::new(64 << 20),
            max_connections_per_client: Within::new(100),
            tls: TlsConfig::default(),
        }
    }
}

impl MqttConfig {
    /// The limits in the words of the broker.
    #[must_use]
    pub fn limits(&self) -> roost_mqtt::Limits {
        roost_mqtt::Limits {
            connections: self.max_connections.size(),
            packet_bytes: self.max_packet_bytes.size(),
            connect_within: Duration::from_secs(self.connect_within_s.get()),
            queue_messages: self.queue_messages.size(),
            queue_bytes: self.queue_bytes.size(),
            in_flight: u16::try_from(self.max_in_flight.get()).unwrap_or(u16::MAX),
            subscriptions: self.max_subscriptions.size(),
            connects_per_s: u32::try_from(self.connects_per_s.get()).unwrap_or(u32::MAX),
            connects_waiting: self.max_connects_waiting.size(),
            connects_waiting_per_address: self.max_connects_waiting_per_address.size(),
            publishes_per_s: u32::try_from(self.publishes_per_s.get()).unwrap_or(u32::MAX),
            buffer_bytes: self.max_buffer_bytes.size(),
            sessions: self.max_sessions.size(),
            sessions_each: self.max_sessions_per_client.size(),
            session_messages: self.session_messages.size(),
            session_bytes: self.session_bytes.size(),
            sessions_bytes: self.max_sessions_bytes.size(),
            session_expiry: Duration::from_secs(self.max_session_expiry_s.get()),
            connections_each: self.max_connections_per_client.size(),
            ..roost_mqtt::Limits::default()
        }
    }

    /// The limits in the words of the bus.
    #[must_use]
    pub fn bus_limits(&self) -> BusLimits {
        BusLimits {
            retained_messages: self.max_retained_messages.size(),
            retained_bytes: self.max_retained_bytes.size(),
            queued_bytes: self.max_queued_bytes.size(),
        }
    }

    /// Most bytes of memory that clients can make the gateway hold.
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        self.limits().most_bytes() + self.bus_limits().most_bytes()
    }

    /// What is wrong, though each number is within its range: the keys that it is about, what it is, and what to do.
    pub(super) fn check(&self) -> Result<(), ([&'static str; 2], String, String)> {
        for (each, all) in [
            (
                ("queue_bytes", self.queue_bytes.get()),
                ("max_queued_bytes", self.max_queued_bytes.get()),
            ),
            (
                ("session_bytes", self.session_bytes.get()),
                ("max_sessions_bytes", self.max_sessions_bytes.get()),
            ),
        ] {
            if each.1 > all.1 {
                let what = format!("{} = {} is more than {} = {}", each.0, each.1, all.0, all.1);
                let remedy = format!(
                    "what one client may have is part of what all have: lower {} or raise {}",
                    each.0, all.0
                );
                return Err(([each.0, all.0], what, remedy));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_the_broker_and_the_bus_have_it() {
        let config = MqttConfig::default();
        assert_eq!(config.limits(), roost_mqtt::Limits::default());
        assert_eq!(config.bus_limits(), BusLimits::default());
    }
}
