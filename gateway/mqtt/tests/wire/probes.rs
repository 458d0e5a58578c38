//! Half-open links: a client whose other end is gone is found out when it is probed, one that is only quiet stays.
//!
//! The other end goes by a filter (BPF) on the client's own socket that lets nothing in: its kernel then neither
//! acknowledges nor answers, as if a cable were cut, while the client itself has noticed nothing. Any user may do that.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use roost_mqtt::{BrokerStats, ClientCertificates};
use socket2::{SockFilter, SockRef};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::packets::{V4, connect_packet};
use crate::tls::{Site, V13};
use crate::websocket::{BINARY, Browser, frame};

/// Kernels take half a minute to give a peer up whose data is not acknowledged; a loaded machine may take more.
const LONG: Duration = Duration::from_secs(180);
/// BPF_RET with a constant (linux/filter.h); the constant is how many bytes of a segment are let in.
const RETURN: u16 = 0x06;

/// A client's way to the gateway.
struct Link(OwnedFd);

impl Link {
    fn of(socket: &TcpStream) -> Self {
        Self(socket.as_fd().try_clone_to_owned().unwrap())
    }

    /// From now on nothing comes through to the client.
    fn cut(&self) {
        let nothing = [SockFilter::new(RETURN, 0, 0, 0)];
        SockRef::from(&self.0)
            .attach_filter(&nothing)
            .expect("a filter on a socket of one's own: SO_ATTACH_FILTER, in every Linux kernel");
    }
}

fn hello(site: &Site, id: &str) -> Vec<u8> {
    let secret = site.gateway.add_device(id, true);
    let topic = format!("devices/{id}/telemetry/gone");
    // Nobody asks it for signs of life: keep-alive 0.
    connect_packet(V4, id, Some((id, &secret)), Some((&topic, "gone")), 0)
}

async fn greeted(site: &Site, client: Client, id: &str) -> Client {
    let mut client = client;
    client.send(&hello(site, id)).await;
    assert_eq!(client.packet().await, [0x20, 2, 0, 0]);
    client
}

async fn plain(site: &Site, id: &str) -> (Client, Link) {
    let socket = TcpStream::connect(site.gateway.broker().address().unwrap())
        .await
        .unwrap();
    let link = Link::of(&socket);
    (greeted(site, Client::on(socket), id).await, link)
}

async fn inside_tls(site: &Site, id: &str) -> (Client, Link) {
    let stream = site.connect(&site.config(V13, None)).await.unwrap();
    let link = Link::of(stream.get_ref().0);
    (greeted(site, Client::on(stream), id).await, link)
}

async fn over_websocket(site: &Site, id: &str) -> (Browser, Link) {
    let mut browser = Browser::connect(&site.gateway, &frame(BINARY, &hello(site, id))).await;
    assert_eq!(browser.frame().await, (BINARY, vec![0x20, 2, 0, 0]));
    let link = Link::of(&browser.stream);
    (browser, link)
}

fn vanished(site: &Site) -> u64 {
    BrokerStats::get(&site.gateway.broker().stats().vanished)
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect(what);
}

/// What was said last of a device's connection.
fn is_connected(site: &Site, id: &str) -> bool {
    let topic = roost_model::Topic::new(format!("devices/{id}/status")).unwrap();
    let said = site.gateway.bus().retained_at(&topic).unwrap();
    String::from_utf8_lossy(&said.body).contains(r#""connected":true"#)
}

#[tokio::test]
async fn a_client_that_has_gone_is_closed_with_its_will_on_every_transport_and_a_quiet_one_stays() {
    let site = Site::start(ClientCertificates::Off).await;
    let (mut quiet, _) = plain(&site, "quiet").await;
    let (mut quiet_tls, _) = inside_tls(&site, "quiet-tls").await;
    let (mut quiet_ws, _) = over_websocket(&site, "quiet-ws").await;
    let (_gone, link) = plain(&site, "gone").await;
    let (_gone_tls, link_tls) = inside_tls(&site, "gone-tls").await;
    let (_gone_ws, link_ws) = over_websocket(&site, "gone-ws").await;
    // What was sent to this one lies in the kernel, which asks nobody while it does.
    let (mut sent, link_sent) = plain(&site, "sent").await;
    sent.subscribe("devices/sent/commands/#", 1).await;
    for link in [&link, &link_tls, &link_ws, &link_sent] {
        link.cut();
    }
    let stats = site.gateway.broker().stats();
    let before = BrokerStats::get(&stats.bytes_out);
    site.gateway
        .publish_numbers("devices/sent/commands/relay", 0..1)
        .await;
    until("the message to leave", || {
        BrokerStats::get(&stats.bytes_out) > before
    })
    .await;

    let quiet_ones = ["quiet", "quiet-tls", "quiet-ws"];
    let gone = ["gone", "gone-tls", "gone-ws", "sent"];
    for id in quiet_ones.iter().chain(&gone) {
        site.gateway.broker().probe(id);
    }
    until("all to be probed", || BrokerStats::get(&stats.probed) == 7).await;
    until("those to be found out that have gone", || vanished(&site) == 4).await;
    until("them to be seen off", || site.gateway.stats().connected == 3).await;
    assert_eq!(site.gateway.stats().wills, 4);
    for id in gone {
        assert!(!is_connected(&site, id), "{id} is said to be connected");
    }
    // Two more go one after the other: so long the quiet ones are watched, each step of it.
    for (id, count) in [("later", 5), ("last", 6)] {
        let (_gone, link) = plain(&site, id).await;
        link.cut();
        site.gateway.broker().probe(id);
        until("one more to be found out", || vanished(&site) == count).await;
    }

    for id in quiet_ones {
        assert!(is_connected(&site, id), "{id} has said nothing and has not gone");
    }
    for client in [&mut quiet, &mut quiet_tls] {
        client.ping().await;
    }
    quiet_ws.send(&frame(BINARY, &[0xc0, 0])).await;
    assert_eq!(quiet_ws.frame().await, (BINARY, vec![0xd0, 0]));
    site.gateway.stop().await;
}

#[tokio::test]
async fn whoever_is_not_here_or_is_being_probed_already_is_not_probed() {
    let site = Site::start(ClientCertificates::Off).await;
    let (_quiet, _) = plain(&site, "quiet").await;
    let (_other, _) = plain(&site, "other").await;
    let stats = site.gateway.broker().stats();
    let probed = || BrokerStats::get(&stats.probed);
    site.gateway.broker().probe("nobody");
    site.gateway.broker().probe("quiet");
    until("one to be probed", || probed() == 1).await;
    site.gateway.broker().probe("quiet");
    site.gateway.broker().probe("other");
    until("another one to be probed", || probed() == 2).await;
    site.gateway.stop().await;
}
