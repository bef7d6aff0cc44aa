//! Resolution from a directory downward, by whole paths and name by name.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::{Beneath, Handle};
use std::os::fd::AsFd;

fn folder() -> (tempfile::TempDir, [Beneath; 2]) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("top/a/b")).unwrap();
    fs::write(dir.path().join("top/a/b/file"), "x").unwrap();
    fs::write(dir.path().join("outside"), "secret").unwrap();
    symlink("../..", dir.path().join("top/a/up")).unwrap();
    symlink("b", dir.path().join("top/a/link")).unwrap();
    symlink("b/file", dir.path().join("top/a/flink")).unwrap();
    symlink(dir.path(), dir.path().join("top/absolute")).unwrap();
    let open = || OwnedFd::from(fs::File::open(dir.path().join("top")).unwrap());
    let both = [Beneath::new(open()), Beneath::new(open())];
    both[1].walk_stepwise();
    (dir, both)
}

#[test]
fn only_files_beneath_are_reached() {
    let (_dir, both) = folder();
    for beneath in both {
        for good in [&b""[..], b"a", b"a/b"] {
            beneath.open(good, OFlags::RDONLY | OFlags::DIRECTORY).unwrap();
        }
        beneath.open(b"a/b/file", OFlags::RDONLY).unwrap();
        for bad in [
            &b"../outside"[..],
            b"..",
            b"a/../../outside",
            b"a/up/outside",
            b"a/link/file",
            b"a/flink",
            b"absolute/outside",
            b"/etc",
            b"a/b/file/x",
        ] {
            assert!(beneath.open(bad, OFlags::RDONLY).is_err(), "{}", bad.escape_ascii());
        }
        let gone = beneath.open(b"a/none", OFlags::RDONLY).unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(Errno::NOENT.raw_os_error()));
        // A link itself can be held, for its own metadata.
        let link = beneath.open(b"a/link", OFlags::PATH).unwrap();
        assert!(rustix::fs::readlinkat(&link, c"", Vec::new()).is_ok());
    }
}

#[test]
fn attributes_of_links_are_not_those_of_their_targets() {
    let (dir, [beneath, _]) = folder();
    let file = beneath.open(b"a/b/file", OFlags::RDONLY).unwrap();
    let big = vec![7; 3000];
    Handle::open(file.as_fd()).set_attribute(b"user.big", &big).unwrap();
    Handle::open(file.as_fd()).set_attribute(b"user.a", b"").unwrap();
    let by_path = beneath.open(b"a/b/file", OFlags::PATH).unwrap();
    for handle in [Handle::open(file.as_fd()), Handle::path(by_path.as_fd())] {
        let all = handle.attributes().whole().unwrap();
        let names: Vec<_> = all.iter().map(|a| &*a.name).collect();
        assert_eq!(names, [&b"user.a"[..], b"user.big"]);
        assert_eq!(all[1].value(), Some(&big[..]));
    }
    let link = beneath.open(b"a/flink", OFlags::PATH).unwrap();
    assert_eq!(Handle::path(link.as_fd()).attributes().whole().unwrap(), []);
    drop(dir);
}

#[test]
fn long_paths_are_reached_going_down_and_up_and_after_a_directory_was_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let top = OwnedFd::from(fs::File::open(dir.path()).unwrap());
    let name = "n".repeat(250);
    let mut paths = vec![String::new()];
    let mut here = top.try_clone().unwrap();
    for _ in 0..60 {
        rustix::fs::mkdirat(&here, name.as_str(), Mode::RWXU).unwrap();
        here = openat(&here, name.as_str(), OFlags::PATH, Mode::empty()).unwrap();
        paths.push(format!("{}/{name}", paths[paths.len() - 1]).trim_matches('/').to_owned());
    }
    let beneath = Beneath::new(top);
    let inode = |path: &str| {
        let opened = beneath.open(path.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)?;
        super::stat(opened.as_fd()).map(|stat| stat.stx_ino).map_err(Into::into)
    };
    let down: Vec<u64> = paths.iter().map(|path| inode(path).unwrap()).collect();
    assert_eq!(beneath.held(), super::open::KEPT);
    let up: Vec<u64> = paths.iter().rev().map(|path| inode(path).unwrap()).collect();
    assert_eq!(down, up.into_iter().rev().collect::<Vec<_>>());
    // Another directory is at the path of a kept one, and the former contents are gone.
    inode(&paths[60]).unwrap();
    fs::rename(dir.path().join(&name), dir.path().join("elsewhere")).unwrap();
    fs::create_dir(dir.path().join(&name)).unwrap();
    beneath.forget_hops();
    let gone: std::io::Error = inode(&paths[60]).unwrap_err();
    assert_eq!(gone.raw_os_error(), Some(Errno::NOENT.raw_os_error()));
    assert_ne!(inode(&paths[1]).unwrap(), down[1]);
}
