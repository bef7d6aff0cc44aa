//! Devices that make their first runs before the folder is in sync: whatever arrives first, each
//! recovery code that was shown opens everything once a run has seen all key blocks, and until then
//! a code that opens only a part says so.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::support::{World, differences, options, scan};
use keepmum::inside::crypto::Passphrase;
use keepmum::inside::store::simulated::{Fault, SimulatedDisk, Simulation};
use keepmum::ops::{
    self, Access, CatalogueAt, CheckOptions, Event, Observer, Outcome, ReadData, RecoveryCode,
    SnapshotChoice, Which,
};

/// Takes recovery codes, and hears notices.
#[derive(Default)]
struct Hearing {
    code: Mutex<Option<String>>,
    notices: Mutex<Vec<String>>,
}

impl Hearing {
    fn heard(&self, words: &str) -> bool {
        self.notices.lock().unwrap().iter().any(|notice| notice.contains(words))
    }
}

impl Observer for Hearing {
    fn event(&self, event: Event) {
        if let Event::Notice(sentence) = event {
            self.notices.lock().unwrap().push(sentence);
        }
    }

    fn stopping(&self) -> bool {
        false
    }

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        *self.code.lock().unwrap() = Some(code.expose().to_owned());
        true
    }
}

/// A device with its own copy of the folder, and the code that its first run showed.
struct Device {
    world: World,
    code: String,
}

impl Device {
    /// A device after its first run, which found an empty folder.
    fn new(seed: u64) -> Self {
        let world = World::new(seed);
        fs::write(world.source().join("own"), format!("of {seed}")).unwrap();
        fs::write(world.source().join("shared"), vec![7; 100_000]).unwrap();
        let hearing = Hearing::default();
        ops::backup(&world.own(), &options(&world.source()), &hearing).unwrap();
        let code = hearing.code.lock().unwrap().clone().unwrap();
        Self { world, code }
    }

    fn disk(&self) -> &SimulatedDisk {
        &self.world.sim.disk
    }

    /// One more run.
    fn run(&self) -> Hearing {
        let hearing = Hearing::default();
        ops::backup(&self.world.own(), &options(&self.world.source()), &hearing).unwrap();
        hearing
    }
}

/// Copies the files that are only here to the other copy of the folder.
fn bring(from: &SimulatedDisk, to: &SimulatedDisk) {
    for (path, bytes) in from.files() {
        if to.content(&path).is_none() {
            to.add(&path, &bytes);
        }
    }
}

/// Every copy of the folder becomes the same.
fn sync_all(devices: &[Device]) {
    for from in devices {
        for to in devices {
            bring(from.disk(), to.disk());
        }
    }
}

/// A machine that has nothing but the folder and this word.
fn stranger(device: &Device, word: &str) -> Access {
    Access {
        passphrase: Passphrase::new(word.to_owned()),
        ..device.world.access(CatalogueAt::Temporary)
    }
}

/// Each code checks everything, and restores the last snapshot of each device.
fn every_code_opens_everything(devices: &[Device], at: usize) {
    let place = &devices[at];
    for (number, device) in devices.iter().enumerate() {
        let what = format!("the code of device {number}, at {at}");
        let hearing = Hearing::default();
        let check = CheckOptions { read_data: ReadData::Everything };
        let report = ops::check(&stranger(place, &device.code), &check, &hearing).unwrap();
        assert_eq!(report.outcome(), Outcome::Complete, "{what}: {report:#?}");
        assert!(!hearing.heard("does not open"), "{what}");
        let by_password = ops::snapshots(&place.world.stranger(), &hearing).unwrap();
        assert_eq!(report.snapshots, by_password.snapshots.len() as u64, "{what}");
        for saved in devices {
            let device = Some(saved.world.name.clone());
            let which = Which::Latest { back: 0 };
            let choice = SnapshotChoice { which, device, source: None, own: false };
            let target = place.world.fresh_target();
            let access = stranger(place, &devices[number].code);
            let report = place.world.try_restore(&access, choice, &target).unwrap();
            assert!(report.problems.is_empty(), "{what}: {:#?}", report.problems);
            let (now, then) = (scan(&saved.world.source()), scan(&saved.world.inside(&target)));
            assert!(differences(&now, &then).is_empty(), "{what}");
        }
    }
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..=shorter.len() {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

#[test]
fn each_recovery_code_opens_everything_after_a_run_that_saw_all_key_blocks() {
    for count in [2, 3] {
        for order in orders(count) {
            let devices: Vec<_> = (1..=count as u64).map(Device::new).collect();
            // The files of each device reach the first of this order one after another, with a run
            // of its own after each.
            let first = &devices[order[0]];
            for from in &order[1..] {
                bring(devices[*from].disk(), first.disk());
                let hearing = first.run();
                assert!(hearing.heard("Their keyrings are one now"), "{order:?}");
            }
            every_code_opens_everything(&devices, order[0]);
            // Its objects reach the others, whether or not they have run meanwhile.
            for late in &order[1..] {
                devices[*late].run();
            }
            sync_all(&devices);
            for device in &devices {
                device.run();
            }
            sync_all(&devices);
            every_code_opens_everything(&devices, order[count - 1]);
            // And then nothing is left to unite.
            let hearing = devices[order[0]].run();
            assert!(!hearing.heard("keyrings"), "{:?}", hearing.notices);
        }
    }
}

#[test]
fn two_devices_that_unite_at_once_lose_nothing() {
    let devices = [Device::new(1), Device::new(2), Device::new(3)];
    sync_all(&devices);
    // None sees the others' objects.
    for device in &devices {
        assert!(device.run().heard("Their keyrings are one now"));
    }
    sync_all(&devices);
    every_code_opens_everything(&devices, 0);
    assert!(!devices[1].run().heard("keyrings"));
    // A password that is removed meanwhile stays removed.
    let removed = ops::key_passwd(
        &devices[2].world.own(),
        &Passphrase::new("new".to_owned()),
        &Hearing::default(),
    );
    assert_eq!(removed.unwrap().removed.len(), 3);
    sync_all(&devices);
    let old = ops::snapshots(&devices[0].world.stranger(), &Hearing::default());
    assert_eq!(old.unwrap_err().kind(), ops::ErrorKind::WrongPassword);
}

#[test]
fn a_code_that_opens_a_part_says_so() {
    let devices = [Device::new(1), Device::new(2)];
    sync_all(&devices);
    for device in &devices {
        let hearing = Hearing::default();
        let access = stranger(device, &device.code);
        let check = CheckOptions { read_data: ReadData::Nothing };
        let report = ops::check(&access, &check, &hearing).unwrap();
        assert!(
            hearing.heard("to a keyring that this recovery code does not open; try the password")
        );
        assert!(report.unopened_files > 0 && report.foreign_files == 0, "{report:#?}");
        assert_eq!(report.outcome(), Outcome::Partial);
        let list = ops::key_list(&access, &hearing).unwrap();
        assert_eq!(list.unopened_files, report.unopened_files);
        let status = ops::status(&access, &hearing).unwrap();
        assert_eq!(status.unopened_files, report.unopened_files);
        // A run with the password reports the reach of a code until then.
        let hearing = Hearing::default();
        ops::snapshots(&device.world.stranger(), &hearing).unwrap();
        assert!(hearing.heard("each of their recovery codes opens only a part"));
    }
    // A run with a code cannot unite, and breaks nothing.
    let with_code =
        Access { passphrase: Passphrase::new(devices[0].code.clone()), ..devices[0].world.own() };
    let source = devices[0].world.source();
    ops::backup(&with_code, &options(&source), &Hearing::default()).unwrap();
    devices[0].run();
    every_code_opens_everything(&devices[..1], 0);
}

#[test]
fn uniting_that_is_cut_off_anywhere_is_done_by_the_next_run() {
    let devices = [Device::new(3), Device::new(6)];
    sync_all(&devices);
    let device = &devices[0];
    let run = |disk: &Arc<SimulatedDisk>, number: u64| {
        // Each with the catalogue as it was before.
        let copy = device.world.folder().join(format!("catalogue-{number}.sqlite"));
        fs::copy(device.world.catalogue(), &copy).unwrap();
        let seam = Simulation::with_disk(number + 100, Arc::clone(disk)).seam;
        let access = Access { seam, ..device.world.access(CatalogueAt::File(copy.clone())) };
        let done = ops::backup(&access, &options(&device.world.source()), &Hearing::default());
        fs::remove_file(copy).unwrap();
        done.is_ok()
    };
    let plain = Arc::new(device.disk().fork());
    assert!(run(&plain, 0));
    let operations = plain.operations();
    for number in (0..operations).step_by(3) {
        for fault in Fault::ALL {
            let disk = Arc::new(device.disk().fork());
            disk.plan(number, fault);
            run(&disk, number + 1);
            disk.crash();
            disk.restart(number);
            disk.heal();
            let what = format!("{fault:?} at {number} of {operations}");
            assert!(run(&disk, number + 1), "{what}");
            for code in devices.iter().map(|device| &device.code) {
                let access = Access {
                    seam: Simulation::with_disk(9, Arc::clone(&disk)).seam,
                    ..stranger(device, code)
                };
                let check = CheckOptions { read_data: ReadData::Everything };
                let report = ops::check(&access, &check, &Hearing::default()).unwrap();
                assert_eq!(report.outcome(), Outcome::Complete, "{what}: {report:#?}");
                assert_eq!(report.unopened_files, 0, "{what}");
            }
        }
    }
}
