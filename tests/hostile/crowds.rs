//! Crowds at the door: clients that say nothing, nonsense, or the wrong password.

use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::packets::{self, Hello};
use crate::peer::{Peer, another_address, dial, port};
use crate::witness::{FEW, Scene};

#[test]
fn more_silent_clients_than_there_are_seats_do_not_keep_a_device_out() {
    let scene = Scene::set("max_connections = 100\nmax_connects_waiting = 64\nconnect_within_s = 2");
    let mut silent = Vec::new();
    for _ in 0..4 {
        let from = another_address();
        silent.extend((0..100).map(|_| Peer::dial_from(&scene.program, Some(from))));
    }
    let mut late = Peer::enter_as(&scene.program, 5, scene.evil(), "late");
    assert!(late.settled());
    scene.end();
}

#[test]
fn a_connect_that_comes_byte_by_byte_has_its_time_and_no_more() {
    let scene = Scene::set("max_connections = 100\nconnect_within_s = 1");
    let hello = Hello {
        version: 4,
        id: "a-client-with-a-name-that-takes-its-time-to-arrive",
        login: scene.evil(),
        ..Hello::default()
    };
    let mut peer = Peer::dial(&scene.program);
    peer.read_briefly();
    // The wait for an answer is the pause between two bytes; the end of the connection is the answer.
    for byte in packets::connect(&hello) {
        if !peer.try_send(&[byte]) || peer.has_ended() {
            scene.end();
            return;
        }
    }
    panic!("it was waited for");
}

const ATTEMPTS: usize = 100_000;
const THREADS: usize = 4;

/// One attempt; whether the gateway has dealt with it.
fn attempt(scene: &Scene, from: Ipv4Addr, garbage: bool) -> std::io::Result<()> {
    let mut stream = dial(port(&scene.program), Some(from))?;
    // No TIME_WAIT: the ports of an address are for use again at once.
    socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO))?;
    if garbage {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
    } else {
        let hello = Hello {
            version: 4,
            id: "x",
            login: ("well", "guess"),
            ..Hello::default()
        };
        stream.write_all(&packets::connect(&hello))?;
    }
    let mut answer = [0; 4];
    let _ = stream.read(&mut answer)?;
    Ok(())
}

#[test]
#[ignore = "takes a minute: ./dev test runs it in a phase of its own"]
fn a_hundred_thousand_attempts_to_connect_disturb_nobody() {
    let scene = Scene::set(FEW);
    let (done, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let from = [another_address(), another_address()];
                loop {
                    let number = done.fetch_add(1, Ordering::Relaxed);
                    if number >= ATTEMPTS {
                        return;
                    }
                    if attempt(&scene, from[number % 2], number.is_multiple_of(2)).is_err() {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let metric = |name: &str| usize::try_from(scene.program.api().metric(name)).unwrap();
    // Every attempt was seen through to its end; a reset in place of a word is an end, too.
    assert_eq!(metric("roost_mqtt_refused_total"), ATTEMPTS / 2);
    assert_eq!(metric("roost_mqtt_violations_total"), ATTEMPTS / 2);
    assert!(failed.load(Ordering::Relaxed) <= ATTEMPTS / 2);
    let mut late = Peer::enter_as(&scene.program, 5, scene.evil(), "late");
    assert!(late.settled());
    scene.end();
}
