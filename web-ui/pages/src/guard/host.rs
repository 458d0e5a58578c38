//! Names that this gateway goes by.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether a `Host` is one of ours. An address always is: to rebind it takes a name.
pub(crate) fn is_allowed(said: &str, hosts: &[String]) -> bool {
    if let Some(rest) = said.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port))
        });
    }
    let Some(name) = name_of(said) else { return false };
    name.parse::<Ipv4Addr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// Whether this is one of the names that somebody has given to the gateway, whatever the port.
pub(crate) fn is_named(said: &str, hosts: &[String]) -> bool {
    name_of(said).is_some_and(|name| hosts.iter().any(|host| host.eq_ignore_ascii_case(name)))
}

/// The name without its port and without the dot that may end it.
fn name_of(said: &str) -> Option<&str> {
    let name = match said.split_once(':') {
        Some((name, port)) if port.is_empty() || is_port(&format!(":{port}")) => name,
        Some(_) => return None,
        None => said,
    };
    Some(name.strip_suffix('.').unwrap_or(name))
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_configured_names_are_ours_and_no_other_name_is() {
        let hosts = ["roost.local".to_owned()];
        for ours in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "192.168.1.9:80",
            "[::1]",
            "[fe80::1]:8080",
            "Roost.local",
            "roost.local.:8080",
        ] {
            assert!(is_allowed(ours, &hosts), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "roost.local.evil.example",
            "127.0.0.1.evil.example",
            "[::1].evil.example",
            "[evil]",
            "localhost:evil",
            "localhost:80:80",
        ] {
            assert!(!is_allowed(other, &hosts), "{other}");
        }
    }
}
