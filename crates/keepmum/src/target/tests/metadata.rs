//! Owner, mode, attributes, times; omissions are reported.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{Mode, OFlags, XattrFlags};

use super::{Place, mode, path, symlink, write_small};
use crate::model::{Attribute, Found, FoundKind, Metadata, Side, Time, TreePath, Value};
use crate::target::metadata::Differences;
use crate::target::{Existing, Options, Owner, Target, TargetErrorKind};

fn attribute(name: &str, value: &[u8]) -> Attribute {
    let (name, value) = (name.as_bytes().into(), Value::Inline(value.into()));
    Attribute { namespace: "xattr".into(), name, value }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn write(target: &Target, name: &str, metadata: &Metadata) -> Vec<TargetErrorKind> {
    let problems = write_small(target, &path(name), b"x", metadata, Existing::Refuse).unwrap();
    problems.iter().map(|problem| problem.kind).collect()
}

fn found(target: &Target, name: &str) -> Found {
    let all = target.tree().list(&(), &TreePath::root()).unwrap().entries;
    all.into_iter().find(|entry| entry.name.as_bytes() == name.as_bytes()).unwrap()
}

fn user(metadata: &Metadata) -> u32 {
    metadata.owner.numbers.unwrap().0
}

fn give(metadata: &mut Metadata, user: u32) {
    metadata.owner.numbers.as_mut().unwrap().0 = user;
}

#[test]
fn a_thing_without_mode_and_owner_is_this_users_only() {
    let place = Place::new();
    let target = &place.target;
    let bare = Metadata { mtime: Some(Time { seconds: 5, nanos: 0 }), ..Metadata::default() };
    assert_eq!(write(target, "f", &bare), []);
    assert_eq!(found(target, "f").metadata.mode, Some(0o600));
    assert_eq!(found(target, "f").stamp.mtime.seconds, 5);
    target.make_directory(&path("d")).unwrap();
    let done = target.apply_metadata(&path("d"), FoundKind::Directory, &bare).unwrap();
    assert!(done.is_empty());
    assert_eq!(found(target, "d").metadata.mode, Some(0o700));
    // An existing thing keeps its metadata, also if its owner has to be let in meanwhile.
    assert_eq!(write(target, "g", &mode(0o4455)), [TargetErrorKind::NotPermitted]);
    let with = Metadata { attributes: vec![attribute("user.a", b"1")], ..bare.clone() };
    assert!(!target.differs(&found(target, "g"), &Metadata { mtime: None, ..bare }).any());
    assert!(target.apply_metadata(&path("g"), FoundKind::File, &with).unwrap().is_empty());
    assert_eq!(found(target, "g").metadata.mode, Some(0o455));
    assert!(target.left_out(&path("g"), &found(target, "g"), &with).unwrap().is_empty());
    // Set-id bits need an owner to be meant for.
    let special = place.reopen(Options { special: true, ..Options::default() });
    let nobodys = Metadata { mode: Some(0o4711), ..Metadata::default() };
    assert_eq!(write(&special, "h", &nobodys), [TargetErrorKind::NotPermitted]);
    assert_eq!(found(target, "h").metadata.mode, Some(0o711));
}

#[test]
fn set_id_bits_are_left_out_unless_asked_for() {
    let place = Place::new();
    let target = &place.target;
    let mut metadata = mode(0o6755);
    assert_eq!(write(target, "f", &metadata), [TargetErrorKind::NotPermitted]);
    assert_eq!(found(target, "f").metadata.mode, Some(0o755));
    assert!(!target.differs(&found(target, "f"), &metadata).any());
    let special = place.reopen(Options { special: true, ..Options::default() });
    assert_eq!(write(&special, "g", &metadata), []);
    assert_eq!(found(target, "g").metadata.mode, Some(0o6755));
    assert!(special.differs(&found(target, "f"), &metadata).mode);
    // Under another owner the bits would give away that owner's power.
    let another = user(&metadata) + 12345;
    give(&mut metadata, another);
    let skip = place.reopen(Options { special: true, owner: Owner::Skip, ..Options::default() });
    assert_eq!(write(&skip, "h", &metadata), [TargetErrorKind::NotPermitted]);
    assert_eq!(found(target, "h").metadata.mode, Some(0o755));
    assert!(!skip.differs(&found(target, "h"), &metadata).any());
    target.make_directory(&path("d")).unwrap();
    let directory = target.apply_metadata(&path("d"), FoundKind::Directory, &mode(0o3775));
    assert!(directory.unwrap().is_empty());
    assert_eq!(found(target, "d").metadata.mode, Some(0o3775));
}

#[test]
fn owners_are_set_by_root_and_reported_by_others() {
    let place = Place::new();
    let target =
        place.reopen(Options { special: true, owner: Owner::Numbers, ..Options::default() });
    let mut metadata = mode(0o4750);
    metadata.owner.numbers = Some((54321, 54322));
    let problems = write(&target, "f", &metadata);
    let there = found(&target, "f").metadata;
    let differences = target.differs(&found(&target, "f"), &metadata);
    if is_root() {
        assert_eq!(problems, []);
        assert_eq!((there.owner.numbers, there.mode), (Some((54321, 54322)), Some(0o4750)));
    } else {
        assert_eq!(problems, [TargetErrorKind::Owner, TargetErrorKind::NotPermitted]);
        assert_eq!(there.mode, Some(0o750));
    }
    assert_eq!(differences, Differences::default());
    // Every file after the first one, too.
    metadata.mode = Some(0o640);
    for name in ["g", "h"] {
        write(&target, name, &metadata);
        assert_eq!(found(&target, name).metadata.mode, Some(0o640));
        assert_eq!(user(&found(&target, name).metadata) == 54321, is_root());
    }
    symlink(&target, &path("l"), b"f").unwrap();
    let problems = target.apply_metadata(&path("l"), FoundKind::Symlink, &metadata).unwrap();
    assert_eq!(problems.len(), usize::from(!is_root()));
    assert_eq!(user(&found(&target, "l").metadata) == 54321, is_root());
    // Nobody has this number; to the kernel it means something else.
    give(&mut metadata, u32::MAX);
    assert_eq!(write(&target, "i", &metadata), [TargetErrorKind::Owner]);
    let skip = place.reopen(Options { owner: Owner::Skip, ..Options::default() });
    assert_eq!(write(&skip, "j", &metadata), []);
}

#[test]
fn names_win_over_numbers_where_they_are_known() {
    let place = Place::new();
    let mut metadata = mode(0o600);
    give(&mut metadata, 54321);
    metadata.owner.user = Some(b"root"[..].into());
    metadata.owner.group = Some(b"no such group\0"[..].into());
    if is_root() {
        assert_eq!(write(&place.target, "f", &metadata), []);
        assert_eq!(fs::metadata(place.at("f")).unwrap().uid(), 0);
        metadata.owner.user = Some(b"no such user"[..].into());
        assert!(place.target.differs(&found(&place.target, "f"), &metadata).owner);
        let done = place.target.apply_metadata(&path("f"), FoundKind::File, &metadata).unwrap();
        assert!(done.is_empty());
        assert_eq!(fs::metadata(place.at("f")).unwrap().uid(), 54321);
    }
}

#[test]
fn attributes_are_set_compared_and_removed() {
    let place = Place::new();
    let target = &place.target;
    let mut metadata = mode(0o400);
    metadata.attributes = vec![attribute("user.a", b"1"), attribute("user.b", b"")];
    assert_eq!(write(target, "f", &metadata), []);
    assert_eq!(found(target, "f").metadata.mode, Some(0o400));
    let differ = |wanted: &[Attribute]| {
        target.attributes_differ(&path("f"), FoundKind::File, wanted).unwrap()
    };
    assert!(!differ(&metadata.attributes));
    assert!(differ(&[]) && differ(&metadata.attributes[..1]));
    metadata.attributes = vec![attribute("user.b", b"2"), attribute("user.c", b"3")];
    let done = target.apply_metadata(&path("f"), FoundKind::File, &metadata).unwrap();
    assert!(done.is_empty(), "{done:?}");
    assert!(!differ(&metadata.attributes));
    assert_eq!(found(target, "f").metadata.mode, Some(0o400));
    // Privileged metadata is omitted and reported; it makes no difference later.
    metadata.attributes.insert(0, attribute("security.capability", b"\x01"));
    metadata.attributes.insert(1, attribute("trusted.x", b"1"));
    let kinds = write(target, "g", &metadata);
    assert_eq!(kinds, [TargetErrorKind::NotPermitted, TargetErrorKind::NotPermitted]);
    assert!(!target.attributes_differ(&path("g"), FoundKind::File, &metadata.attributes).unwrap());
    let other = Attribute { namespace: "ntfs".into(), ..attribute("user.x", b"") };
    metadata.attributes = vec![other];
    assert_eq!(write(target, "h", &metadata), [TargetErrorKind::Unsupported]);
    // The running system gives labels: no message says that its own were not replaced.
    metadata.attributes = vec![attribute("security.selinux", b"label")];
    assert_eq!(write(target, "i", &metadata), []);
}

#[test]
fn omissions_are_reported_again_though_nothing_differs() {
    let place = Place::new();
    let target = &place.target;
    let mut metadata = mode(0o4750);
    metadata.attributes = vec![attribute("security.capability", b"\x01"), attribute("user.a", b"")];
    let first = write(target, "f", &metadata);
    assert_eq!(first, [TargetErrorKind::NotPermitted; 2]);
    let there = found(target, "f");
    assert!(!target.differs(&there, &metadata).any());
    let again = target.left_out(&path("f"), &there, &metadata).unwrap();
    assert_eq!(again.iter().map(|problem| problem.kind).collect::<Vec<_>>(), first);
    metadata.mode = Some(0o750);
    metadata.attributes.remove(0);
    assert!(target.left_out(&path("f"), &there, &metadata).unwrap().is_empty());
}

#[test]
fn a_folder_above_a_source_keeps_its_unsaved_metadata() {
    let place = Place::new();
    let target = &place.target;
    target.make_directory(&path("d")).unwrap();
    let folder = rustix::fs::open(place.at("d"), OFlags::RDONLY, Mode::empty()).unwrap();
    rustix::fs::fsetxattr(&folder, "user.mine", b"1", XattrFlags::empty()).unwrap();
    let mut above = mode(0o711);
    if !is_root() {
        give(&mut above, 54321);
    }
    let apply = |metadata: &Metadata| {
        let done = target.apply_metadata(&path("d"), FoundKind::Directory, metadata).unwrap();
        done.iter().map(|problem| problem.kind).collect::<Vec<_>>()
    };
    assert_eq!(apply(&above), []);
    assert_eq!(found(target, "d").metadata.mode, Some(0o711));
    let mine = || rustix::fs::fgetxattr(&folder, "user.mine", &mut [0; 1][..]).is_ok();
    assert!(mine());
    let saved = Metadata { mtime: Some(Time::default()), ..above };
    assert_eq!(apply(&saved).is_empty(), is_root());
    assert!(!mine());
}

#[test]
fn an_inherited_access_list_does_not_stay() {
    let place = Place::new();
    let target = &place.target;
    target.make_directory(&path("d")).unwrap();
    // Version 2; owner rwx, user 1 rwx, group rwx, mask rwx, others none.
    let rows: [(u16, u16, u32); 5] =
        [(1, 7, u32::MAX), (2, 7, 1), (4, 7, u32::MAX), (0x10, 7, u32::MAX), (0x20, 0, u32::MAX)];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in rows {
        list.extend(tag.to_le_bytes());
        list.extend(permission.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    let name = "system.posix_acl_default";
    if rustix::fs::setxattr(place.at("d"), name, &list, flags).is_err() {
        return;
    }
    let mut metadata = mode(0o644);
    for name in ["d/a", "d/b", "d/c"] {
        assert_eq!(write(target, name, &metadata), []);
        let there = fs::metadata(place.at(name)).unwrap();
        assert_eq!(there.mode() & 0o7777, 0o644);
        assert!(!target.attributes_differ(&path(name), FoundKind::File, &[]).unwrap());
    }
    // One that belongs to the file does.
    metadata.attributes = vec![attribute("system.posix_acl_access", &list)];
    metadata.mode = Some(0o770);
    assert_eq!(write(target, "d/e", &metadata), []);
    let kept = target.attributes_differ(&path("d/e"), FoundKind::File, &metadata.attributes);
    assert!(!kept.unwrap());
    assert_eq!(fs::metadata(place.at("d/e")).unwrap().mode() & 0o7777, 0o770);
}

#[test]
fn times_differ_to_the_nanosecond_and_must_be_times() {
    let place = Place::new();
    let mut metadata = mode(0o600);
    metadata.mtime = Some(Time { seconds: 1, nanos: 5 });
    assert_eq!(write(&place.target, "f", &metadata), []);
    let there = found(&place.target, "f");
    assert!(!place.target.differs(&there, &metadata).any());
    metadata.mtime = Some(Time { seconds: 1, nanos: 6 });
    let only = Differences { mtime: true, ..Differences::default() };
    assert_eq!(place.target.differs(&there, &metadata), only);
    metadata.mtime = Some(Time { seconds: 1, nanos: 0x3fff_fffe });
    assert_eq!(write(&place.target, "g", &metadata), [TargetErrorKind::Io]);
    metadata.mtime = None;
    assert!(!place.target.differs(&there, &metadata).any());
}

/// Most disk file systems end in some century. Their version of a later time is the best possible
/// one, and no reason to write a file again.
#[test]
fn a_time_that_the_target_cannot_keep_is_reported_and_no_difference() {
    let dir = tempfile::tempdir().unwrap();
    let gate = std::sync::Arc::new(crate::seam::OpenGate);
    let target = Target::open(dir.path(), Options::default(), gate, 0).unwrap();
    let mut metadata = mode(0o640);
    for (number, seconds) in [16_725_225_600, 1 << 40, -(1 << 40), 1_000_000_000].iter().enumerate()
    {
        metadata.mtime = Some(Time { seconds: *seconds, nanos: 123_456_789 });
        let name = format!("{number}");
        let told = write(&target, &name, &metadata);
        let there = found(&target, &name);
        let kept = there.stamp.mtime == metadata.mtime.unwrap();
        assert_eq!(told.is_empty(), kept, "{seconds}");
        assert!(told.iter().all(|kind| *kind == TargetErrorKind::Unsupported));
        assert_eq!(target.differs(&there, &metadata), Differences::default(), "{seconds}");
        let again = target.left_out(&path(&name), &there, &metadata).unwrap();
        assert_eq!(again.len(), told.len(), "{again:?}");
        // A time that it can keep is compared exactly.
        metadata.mtime = Some(Time { seconds: 900_000_000, nanos: 1 });
        assert!(target.differs(&there, &metadata).mtime);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
}

#[test]
fn an_attribute_that_the_target_cannot_keep_is_reported_and_no_difference() {
    let place = Place::new();
    let target = &place.target;
    let mut metadata = mode(0o400);
    // No kernel takes a value of this length.
    metadata.attributes = vec![attribute("user.a", b"1"), attribute("user.b", &[7; 70_000])];
    assert_eq!(write(target, "f", &metadata), [TargetErrorKind::Unsupported]);
    let differ = |wanted: &[Attribute]| {
        target.attributes_differ(&path("f"), FoundKind::File, wanted).unwrap()
    };
    assert!(!differ(&metadata.attributes));
    let again = target.left_out(&path("f"), &found(target, "f"), &metadata).unwrap();
    assert_eq!(again.len(), 1);
    metadata.attributes[0] = attribute("user.a", b"2");
    assert!(differ(&metadata.attributes));
    assert_eq!(place.names(), ["f"]);
}
