//! Power cuts: what had reached the disk when the writer stopped is mounted, and everything acknowledged is there.
//!
//! The data directory lies on a file system of its own on a loop device. A cut is a copy of what has reached that
//! device: what the kernel still held in memory is not in it, as with a plug that is pulled.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

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

        run("kill", &["-STOP", &program.id().to_string()]);
        let copy = folder.path().join(format!("cut{cut}"));
        std::fs::copy(&disk.image, &copy).unwrap();
        program.kill();
        drop(program);
        drop(disk);
        disk = Disk::mount(copy, folder.path().join(format!("mounted{cut}")));
    }
    let program = Program::start(settings(&disk));
    let shown = program.api().get("/api/v1/devices?limit=1000").body;
    assert_eq!(
        shown["items"].as_array().unwrap().len(),
        acknowledged.len() + CUTS
    );
    drop(program);
}
