//! Power cuts: what had reached the disk when the writer stopped is mounted, and everything acknowledged is there.
//!
//! The data directory lies on a file system of its own on a loop device. A cut is a copy of what has reached that
//! device: what the kernel still held in memory is not in it, as with a plug that is pulled.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use roost_store::{RecordLog, RecordLogOptions};
use roost_tests::{Program, Settings, mosquitto_pub, wait_for};

const CUTS: usize = 10;
const DISK_BYTES: u64 = 64 << 20;

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A mounted image; unmounted when dropped, so that a failed test leaves nothing behind.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn mount(image: PathBuf, at: PathBuf) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        run(
            "mount",
            &["-o", "loop", image.to_str().unwrap(), at.to_str().unwrap()],
        );
        Self { image, at }
    }

    fn new(folder: &Path) -> Self {
        let image = folder.join("disk");
        std::fs::File::create(&image)
            .unwrap()
            .set_len(DISK_BYTES)
            .unwrap();
        run("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
        Self::mount(image, folder.join("mounted"))
    }

    fn data_dir(&self) -> PathBuf {
        self.at.join("data")
    }
}

/// What has reached the disk while the process that writes is stopped, mounted in its place.
fn cut_power(disk: Disk, process: u32, kill: impl FnOnce(), name: &str) -> Disk {
    run("kill", &["-STOP", &process.to_string()]);
    let folder = disk.at.parent().unwrap().to_owned();
    let copy = folder.join(format!("{name}-image"));
    std::fs::copy(&disk.image, &copy).unwrap();
    kill();
    drop(disk);
    Disk::mount(copy, folder.join(name))
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}

fn settings(disk: &Disk) -> Settings {
    Settings {
        data_dir: Some(disk.data_dir()),
        ..Settings::default()
    }
}

#[test]
#[ignore = "needs root and loop devices: ./dev test runs it where it can"]
fn no_acknowledged_device_is_lost_in_ten_power_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(folder.path());
    let mut acknowledged = Vec::new();
    for cut in 0..CUTS {
        let mut program = Program::start(settings(&disk));
        for id in &acknowledged {
            let answer = program.api().get(&format!("/api/v1/devices/{id}"));
            assert_eq!(
                answer.status, 200,
                "{id} was acknowledged before cut {cut}, and is gone"
            );
        }
        // Each cut comes after another number of writes, so that it meets the store in another state.
        for index in 0..7 + 5 * cut {
            let id = format!("d{cut}-{index}");
            let _secret = program.add_device(&id);
            acknowledged.push(id);
        }
        let secret = program.add_device(&format!("meter{cut}"));
        let topic = format!("devices/meter{cut}/telemetry/x");
        let login = (format!("meter{cut}"), secret);
        let message = ["-q", "1", "-t", &topic, "-m", "1"];
        assert!(
            mosquitto_pub(&program, "5", (&login.0, &login.1), &message)
                .status
                .success()
        );
        wait_for("the reading", || program.api().point(&login.0, "x"));

        disk = cut_power(disk, program.id(), || program.kill(), &format!("cut{cut}"));
    }
    let program = Program::start(settings(&disk));
    let shown = program.api().get("/api/v1/devices?limit=1000").body;
    assert_eq!(
        shown["items"].as_array().unwrap().len(),
        acknowledged.len() + CUTS
    );
    drop(program);
}

/// Names the directory of the log to the process below.
const LOG_DIR: &str = "ROOST_TEST_POWER_CUT_LOG";

fn open_log(dir: &Path) -> (RecordLog, Vec<Vec<u8>>) {
    let mut found = Vec::new();
    let options = RecordLogOptions {
        sync_every: Duration::from_millis(50),
        ..RecordLogOptions::default()
    };
    let (log, _) = RecordLog::open(dir, options, |record| found.push(record.to_vec())).unwrap();
    (log, found)
}

fn record(number: usize) -> Vec<u8> {
    format!("record {number} {}", ".".repeat(number * 37 % 400)).into_bytes()
}

/// The process whose power is cut: appends for ever, says what was synced, compacts now and then.
#[test]
#[ignore = "is stopped by the test below"]
fn a_process_that_appends_until_the_power_is_cut() {
    let Ok(dir) = std::env::var(LOG_DIR) else { return };
    let (log, mut state) = open_log(Path::new(&dir));
    let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
    loop {
        let last = log.append(&record(state.len())).unwrap();
        state.push(record(state.len()));
        if state.len().is_multiple_of(400) {
            log.compact(|snapshot| state.iter().try_for_each(|record| snapshot.put(record)))
                .unwrap();
        }
        if state.len().is_multiple_of(7) {
            waiting.block_on(log.until_synced(last)).unwrap();
        }
        writeln!(std::io::stdout(), "synced {}", log.synced().records()).unwrap();
    }
}

fn start_appending(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "a_process_that_appends_until_the_power_is_cut",
            "--ignored",
            "--nocapture",
        ])
        .env(LOG_DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "needs root and loop devices: ./dev test runs it where it can"]
fn no_record_that_was_synced_is_lost_in_ten_power_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(folder.path());
    let mut compacted = 0;
    for cut in 0..CUTS {
        let mut process = start_appending(&disk.data_dir());
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = lines.filter_map(|line| line.unwrap().strip_prefix("synced ")?.parse::<usize>().ok());
        let heard = said.by_ref().take(150 + 131 * cut).last().unwrap();
        let id = process.id();
        let kill = || {
            process.kill().unwrap();
            process.wait().unwrap();
        };
        disk = cut_power(disk, id, kill, &format!("cut{cut}"));
        // What it had said and nobody had read yet counts as well.
        let promised = said.last().unwrap_or(heard);
        let (log, found) = open_log(&disk.data_dir());
        compacted += usize::from(log.stats().live_bytes > 0);
        drop(log);
        assert!(
            found.len() >= promised,
            "cut {cut}: {} of {promised}",
            found.len()
        );
        let expected: Vec<_> = (0..found.len()).map(record).collect();
        assert!(found == expected, "cut {cut}");
    }
    assert!(compacted > 0);
}
