//! Renaming this device, and retiring another one: what everybody sees, and a retired device that
//! runs again.

use std::fs;

use crate::support::{World, full_check, options};
use keepmum::ops::{self, DeviceStatus, ErrorKind, Event, Observer, Silent};

/// Two devices at one destination, each with a snapshot, that have heard of each other.
fn two() -> (World, World) {
    let mut one = World::new(1);
    fs::write(one.source().join("mine"), "of the first\n").unwrap();
    one.backup();
    let mut other = World::beside(2, one.sim.disk.clone());
    fs::write(other.source().join("mine"), "of the second\n").unwrap();
    other.backup();
    one.backup();
    (one, other)
}

fn devices(world: &World) -> Vec<DeviceStatus> {
    let mut devices = ops::status(&world.own(), &Silent).unwrap().devices;
    devices.sort_by(|one, other| one.name.cmp(&other.name));
    devices
}

fn own(world: &World) -> DeviceStatus {
    devices(world).into_iter().find(|one| one.own).unwrap()
}

#[test]
fn a_new_name_is_seen_by_all_and_changes_nothing_else() {
    let (one, mut other) = two();
    let before = own(&one);
    let report = ops::device_rename(&one.own(), "kitchen", 60, &Silent).unwrap();
    assert_eq!((&*report.name, &*report.former_name), ("kitchen", "device-1"));
    assert_eq!((report.id, report.snapshots), (before.id.clone(), before.snapshots));
    assert!(report.objects_stored == 1 && report.bytes_stored < 4096);
    for world in [&one, &other] {
        let names: Vec<_> = devices(world).into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["device-2", "kitchen"]);
    }
    let lines = ops::snapshots(&other.own(), &Silent).unwrap().snapshots;
    assert!(lines.iter().any(|line| line.device == "kitchen" && line.device_id == before.id));
    assert_eq!(ops::device_rename(&one.own(), "kitchen", 0, &Silent).unwrap().objects_stored, 0);
    ops::device_rename(&one.own(), "cellar", 0, &Silent).unwrap();
    assert_eq!(own(&one).name, "cellar");
    let long = "x".repeat(101);
    for bad in ["", "  ", "two\nlines", &*long] {
        let error = ops::device_rename(&one.own(), bad, 0, &Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable, "{bad:?}");
    }
    one.verify(&one.own());
    other.backup();
    full_check(&other);
}

#[test]
fn a_retired_device_keeps_its_snapshots_and_waits_for_nobody() {
    let (mut one, mut other) = two();
    let id = own(&other).id;
    let report = ops::device_retire(&one.own(), "device-2", 0, &Silent).unwrap();
    assert_eq!((&*report.id, &*report.name, report.snapshots), (&*id, "device-2", 1));
    let retired: Vec<_> = devices(&one).into_iter().map(|one| one.retired).collect();
    assert_eq!(retired, [false, true]);
    let again = ops::device_retire(&one.own(), "device-2", 0, &Silent).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Unusable, "{again}");
    other.verify(&one.stranger());
    one.verify(&one.stranger());
    full_check(&one);
    one.backup();
    other.kept.drain(..);
}

#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<String>>);

impl Observer for Heard {
    fn event(&self, event: Event) {
        if let Event::Notice(sentence) = event {
            self.0.lock().unwrap().push(sentence);
        }
    }

    fn stopping(&self) -> bool {
        false
    }
}

#[test]
fn a_retired_device_that_runs_again_goes_on_as_a_new_one() {
    let (mut one, mut other) = two();
    let former = own(&other).id;
    ops::device_retire(&one.own(), &former[..6], 0, &Silent).unwrap();
    fs::write(other.source().join("more"), "after it was retired\n").unwrap();
    let heard = Heard::default();
    let report = ops::backup(&other.own(), &options(&other.source()), &heard).unwrap();
    assert!(report.snapshot.is_some());
    let heard = heard.0.into_inner().unwrap();
    let notice = "This device was retired by another one; a new device id is taken.";
    assert!(heard.iter().any(|sentence| sentence == notice), "{heard:#?}");
    let now = own(&other);
    assert_ne!(now.id, former);
    assert!(!now.retired);
    // The former one is still there, retired, with its snapshot.
    let old = devices(&one).into_iter().find(|one| one.id == former).unwrap();
    assert!(old.retired && old.snapshots == 1);
    one.backup();
    other.backup();
    for world in [&one, &other] {
        other.verify(&world.stranger());
        one.verify(&world.stranger());
        full_check(world);
    }
    // The newest snapshot holds what the former device had saved, and the new file.
    let id = report.snapshot.unwrap();
    let (restored, tree) = other.restored(&one.stranger(), &id);
    assert!(restored.problems.is_empty(), "{restored:#?}");
    assert_eq!(tree, crate::support::scan(&other.source()));
}

#[test]
fn devices_are_named_without_doubt() {
    let (one, mut other) = two();
    let retire = |typed: &str| ops::device_retire(&one.own(), typed, 0, &Silent).unwrap_err();
    for (typed, kind) in [
        ("nobody", ErrorKind::Unusable),
        ("", ErrorKind::Unusable),
        ("device-1", ErrorKind::Unusable),
        (&own(&one).id, ErrorKind::Unusable),
    ] {
        let error = retire(typed);
        assert_eq!(error.kind(), kind, "{typed}: {error}");
    }
    // Two of one name: only the id says which.
    let mut third = World::beside(4, one.sim.disk.clone());
    third.name = "device-2".to_owned();
    fs::write(third.source().join("mine"), "of the third\n").unwrap();
    third.backup();
    let error = retire("device-2");
    assert_eq!(error.kind(), ErrorKind::Unusable, "{error}");
    assert!(error.to_string().contains(&own(&third).id[..8]), "{error}");
    let id = own(&third).id;
    ops::device_retire(&one.own(), &id, 0, &Silent).unwrap();
    let retired: Vec<_> = devices(&one).into_iter().filter(|one| one.retired).collect();
    assert!(retired.len() == 1 && retired[0].id == id);
    // Without a catalogue nobody writes.
    let error = ops::device_retire(&one.stranger(), "device-2", 0, &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unusable, "{error}");
    other.backup();
}
