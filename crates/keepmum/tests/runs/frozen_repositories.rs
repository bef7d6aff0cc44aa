//! Data stored by earlier programs comes back: every repository in `testdata/repositories` is
//! restored and compared with its source at the time of the backup.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keepmum::inside::crypto::{Passphrase, Profile};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Seam;
use keepmum::ops::{
    self, Access, CatalogueAt, Installation, Overwrite, RestoreOptions, Silent, SnapshotChoice,
    Which,
};

const PASSWORD: &str = "correct horse";

/// One line of a `.sums` file.
struct Expected {
    kind: String,
    mode: u32,
    size: Option<u64>,
    sum: String,
    path: PathBuf,
}

fn expected(line: &str) -> Expected {
    let words: Vec<&str> = line.split(' ').collect();
    let [kind, mode, size, sum, path] = words[..] else { panic!("{line}") };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes = path.as_bytes().chunks(2).map(byte).collect();
    Expected {
        kind: kind.to_owned(),
        mode: u32::from_str_radix(mode, 8).unwrap(),
        size: size.parse().ok(),
        sum: sum.to_owned(),
        path: PathBuf::from(std::ffi::OsString::from_vec(bytes)),
    }
}

fn options(snapshot: &str, target: &Path) -> RestoreOptions {
    let which = Which::Id(snapshot.to_owned());
    RestoreOptions {
        snapshot: SnapshotChoice { which, device: None, source: None, own: false },
        paths: ops::Paths::default(),
        target: Some(target.to_owned()),
        dry_run: false,
        overwrite: Overwrite::Always,
        delete: false,
        deletions: ops::Deletions::All,
        staying: Vec::new(),
        owner: ops::Owner::Names,
        special: false,
        list_changes: false,
    }
}

fn access(repository: &Path, secret: &str) -> Access {
    Access {
        seam: Seam::real(repository).unwrap(),
        passphrase: Passphrase::new(secret.to_owned()),
        catalogue: CatalogueAt::Temporary,
        key_cache: None,
        profile: Profile::Standard,
        mode: Mode::Threads(2),
        installation: Installation {
            machine: vec![0],
            place: None,
            device_name: "test".to_owned(),
            roots: Vec::new(),
        },
    }
}

fn restore(repository: &Path, secret: &str, snapshot: &str, target: &Path) {
    let (access, options) = (access(repository, secret), options(snapshot, target));
    let report = ops::restore(&access, &options, &Silent).unwrap();
    assert!(report.entries_written > 0);
}

fn compare(expected: &Expected, target: &Path) {
    let path = target.join(&expected.path);
    let found = fs::symlink_metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let kind = match found.file_type() {
        kind if kind.is_file() => "file",
        kind if kind.is_dir() => "directory",
        kind if kind.is_symlink() => "symlink",
        kind if kind.is_fifo() => "fifo",
        _ => "something else",
    };
    assert_eq!(kind, expected.kind, "{}", path.display());
    if kind != "symlink" {
        assert_eq!(found.permissions().mode() & 0o777, expected.mode & 0o777, "{}", path.display());
    }
    if kind == "file" {
        let bytes = fs::read(&path).unwrap();
        assert_eq!(Some(bytes.len() as u64), expected.size, "{}", path.display());
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let sum: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum, expected.sum, "{}", path.display());
    }
}

fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| 1 + if path.is_dir() && !path.is_symlink() { count(&path) } else { 0 }).sum()
}

#[test]
fn every_frozen_repository_is_restored() {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/repositories");
    let mut snapshots = 0;
    for version in fs::read_dir(frozen).unwrap().map(|entry| entry.unwrap().path()) {
        if !version.is_dir() {
            continue;
        }
        let code = fs::read_to_string(version.join("recovery-code")).unwrap();
        for sums in fs::read_dir(version.join("expected")).unwrap().map(|e| e.unwrap().path()) {
            if sums.extension().is_none_or(|extension| extension != "sums") {
                continue;
            }
            let snapshot = sums.file_stem().unwrap().to_str().unwrap();
            let target = tempfile::tempdir().unwrap();
            let secret = if snapshots == 0 { PASSWORD } else { code.trim() };
            restore(&version.join("repository"), secret, snapshot, target.path());
            let text = fs::read_to_string(&sums).unwrap();
            let lines: Vec<Expected> = text.lines().map(expected).collect();
            lines.iter().for_each(|line| compare(line, target.path()));
            assert_eq!(count(target.path()), lines.len(), "nothing but what was saved");
            snapshots += 1;
        }
    }
    assert!(snapshots >= 3);
}
