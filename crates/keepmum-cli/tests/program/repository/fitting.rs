//! Attributes that do not fit the target's file system, alone or together: told by each restore,
//! written by the first only.

use std::fs;
use std::path::Path;

use rustix::fs::{XattrFlags, lsetxattr};

use crate::binary::Place;
use crate::prepared::{keepmum, ready_in};
use crate::repository::namespace::script;

/// Sets attributes of so many bytes; whether the file system takes them.
fn give(path: &Path, lengths: &[(&str, usize)]) -> bool {
    let set = |(name, length): &(&str, usize)| {
        lsetxattr(path, *name, &vec![b'v'; *length], XattrFlags::empty()).is_ok()
    };
    lengths.iter().all(set)
}

#[test]
fn attributes_that_do_not_fit_together_are_reported_each_time_and_written_once() {
    // In memory files have attributes of any size.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let place = ready_in(Place::within(&folder), "");
    for name in ["together", "alone", "fits"] {
        fs::write(place.path("source").join(name), name).unwrap();
    }
    let at = |name: &str| place.path("source").join(name);
    let two = [("user.a", 3000), ("user.b", 3000), ("user.c", 10)];
    let fits = give(&at("together"), &two)
        && give(&at("alone"), &[("user.large", 20_000)])
        && give(&at("fits"), &[("user.small", 100)]);
    if !fits {
        println!("skipped: no file system here has room for large attributes");
        return;
    }
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let run = "mkdir disk; truncate -s 64M image
               mkfs.ext4 -q -b 4096 -I 256 image && mount -o loop image disk || exit 9
               keepmum restore -t disk/new latest:$PWD/source; echo $?
               look() { stat -c '%n %i %z' disk/new/*; }
               look > before; keepmum restore -t disk/new latest:$PWD/source; echo $?
               look > after; cmp before after && echo untouched";
    let Some(said) = script(&place, run) else { return };
    if said.code == 9 {
        println!("skipped: an ext4 file system cannot be mounted here");
        return;
    }
    assert!(said.stdout.contains("othing"), "{said:?}");
    assert!(said.stdout.ends_with("3\nuntouched\n"), "{said:?}");
    for name in ["user.b", "user.large"] {
        let sentence = format!("attribute {name} does not fit the target's file system\n");
        assert_eq!(said.stderr.matches(&sentence).count(), 2, "{said:?}");
    }
    assert!(!said.stderr.contains("o space left"), "{said:?}");
    assert!(!said.stderr.contains("user.a ") && !said.stderr.contains("user.c "), "{said:?}");
}
