//! The least that can send the same to as many: one loop of `send`, without anything of Roost. What it costs is the
//! kernel's, and below it nobody gets.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context as _, ensure};

/// The argument by which this program is such a sender.
pub(crate) const BARE: &str = "bare";

/// Is the sender, until who talks is gone. Arguments: how many listen besides the first to connect, who talks, and how
/// many bytes each is sent for a byte of it.
pub(crate) fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let [count, bytes] = arguments else {
        anyhow::bail!("how many listen, and how many bytes they hear");
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    let (mut talker, _) = listener.accept()?;
    talker.set_nodelay(true)?;
    let mut listening = Vec::new();
    for _ in 0..count.parse::<usize>().context("a number")? {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        listening.push(stream);
    }
    let message = vec![b'x'; bytes.parse().context("a number")?];
    let mut byte = [0];
    while talker.read(&mut byte)? > 0 {
        for mut stream in &listening {
            write_whole(&mut stream, &message)?;
        }
        talker.write_all(&message)?;
    }
    Ok(())
}

fn write_whole(stream: &mut &TcpStream, message: &[u8]) -> anyhow::Result<()> {
    let written = stream.write(message)?;
    ensure!(written == message.len(), "{written} bytes at once are too few");
    Ok(())
}
