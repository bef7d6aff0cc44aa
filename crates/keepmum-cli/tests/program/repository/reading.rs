//! Commands that only read, where the catalogue cannot be written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::{Place, Said};
use crate::prepared::{as_nobody, keepmum, ready, sample};

/// A file system of its own, taken away with the value; none where that is not allowed.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(at).output().ok()?;
        if !done.status.success() {
            println!("skipped: a file system cannot be mounted here");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    fn read_only(&self) {
        let done = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().unwrap();
    }
}

/// Every command that reads.
const READERS: [&[&str]; 10] = [
    &["snapshots"],
    &["ls", "-R"],
    &["restore", "latest", "--target", "target"],
    &["dump", "latest", "--json"],
    &["diff", "latest"],
    &["diff", "latest", "latest"],
    &["status"],
    &["check"],
    &["check", "--read-data"],
    &["key", "list"],
];

fn all_read(place: &Place, run: impl Fn(&Place, &[&str]) -> Said, why: &str) {
    for reader in READERS {
        fs::remove_dir_all(place.path("target")).ok();
        let said = run(place, reader);
        assert_eq!(said.code, 0, "{why}: {reader:?}: {said:?}");
    }
    fs::remove_dir_all(place.path("target")).ok();
}

/// A place whose config has its catalogue elsewhere.
fn with_catalogue_at(folder: &str) -> Place {
    let place = ready("");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let at = place.path("").display().to_string();
    place.file("config.ini", config.replace(&format!("{at}db"), &format!("{at}{folder}")));
    place
}

#[test]
fn a_read_only_file_system_reads() {
    let place = with_catalogue_at("disk/db");
    let Some(disk) = Mounted::new(&place.path("disk"), "size=20m") else { return };
    sample(&place);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    // Something that the catalogue has not seen yet comes on top.
    let elsewhere = place.file("other.ini", {
        let config = fs::read_to_string(place.path("config.ini")).unwrap();
        config.replace("disk/db", "another")
    });
    disk.read_only();
    all_read(&place, |place, reader| keepmum(place, reader), "read-only");
    place.file("source/more", "more");
    let other = ["backup", "--accept-mass-delete", "-c", elsewhere.to_str().unwrap()];
    assert_eq!(place.run(other).code, 0);
    all_read(&place, |place, reader| keepmum(place, reader), "read-only, with more to learn");
    let said = keepmum(&place, ["snapshots"]);
    assert!(said.stderr.contains("goes on without it: [PLACE]/disk/db/"), "{said:?}");
    // Lost data is still known to be lost, and a backup still reports its needs.
    let lost = crate::prepared::objects(&place).into_iter().next().unwrap();
    fs::remove_file(lost).unwrap();
    assert_eq!(keepmum(&place, ["check"]).code, 6);
    assert_eq!(keepmum(&place, ["backup"]).code, 1);
}

#[test]
fn a_full_disk_reads() {
    let place = with_catalogue_at("disk/db");
    let Some(_disk) = Mounted::new(&place.path("disk"), "size=2m") else { return };
    sample(&place);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    fs::write(place.path("disk/ballast"), vec![1; 4 << 20]).unwrap_err();
    let elsewhere = fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("other.ini", elsewhere.replace("disk/db", "another"));
    all_read(&place, |place, reader| keepmum(place, reader), "full");
    for number in 0..50 {
        place.file(&format!("source/more/{number}"), crate::prepared::noise(number, 20_000));
    }
    assert_eq!(place.run(["backup", "-c", "other.ini"]).code, 0);
    all_read(&place, |place, reader| keepmum(place, reader), "full, with more to learn");
}

#[test]
fn a_folder_of_somebody_else_reads() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can take something from others");
        return;
    }
    let place = ready("");
    sample(&place);
    assert_eq!(as_nobody(&place, ["backup"]).code, 0);
    // Nobody is given the place by `as_nobody`, so the folder is closed by its mode.
    let close = |mode| {
        fs::set_permissions(place.path("db"), fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o500, 0o000] {
        close(mode);
        all_read(&place, |place, reader| as_nobody(place, reader), &format!("{mode:o}"));
    }
    close(0o700);
}

#[test]
fn a_catalogue_that_cannot_be_made_is_done_without() {
    let place = with_catalogue_at("source/letter.txt/db");
    sample(&place);
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("well.ini", config.replace("source/letter.txt/db", "db"));
    assert_eq!(place.run(["backup", "-c", "well.ini"]).code, 0);
    all_read(&place, |place, reader| keepmum(place, reader), "no place");
    assert_eq!(keepmum(&place, ["backup"]).code, 1);
}
