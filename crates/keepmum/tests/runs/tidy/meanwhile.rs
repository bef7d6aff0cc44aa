//! `tidy` while a sync client changes the folder: the client may strike before any operation.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::client_names::repository;
use super::tidying::{kept, two};
use keepmum::inside::seam::{Disk, Found, Identity, NewFile, ReadAt, Timestamp};
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, KeptReason, Silent};

/// What a client does at some moment.
type Client = Box<dyn Fn(&SimulatedDisk) + Send + Sync>;

/// A destination at which a client does something right before an operation.
struct Shared {
    disk: Arc<SimulatedDisk>,
    operations: AtomicU64,
    at: u64,
    client: Client,
}

impl Shared {
    fn pass(&self) {
        if self.operations.fetch_add(1, Ordering::Relaxed) == self.at {
            (self.client)(&self.disk);
        }
    }
}

impl Disk for Shared {
    fn create(&self) -> io::Result<Box<dyn NewFile>> {
        self.pass();
        self.disk.create()
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.pass();
        self.disk.sync_directory()
    }

    fn list(&self, visit: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        self.pass();
        self.disk.list(visit)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>> {
        self.pass();
        self.disk.open(path)
    }

    fn identity(&self, path: &str) -> io::Result<Identity> {
        self.pass();
        self.disk.identity(path)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.pass();
        self.disk.remove(path)
    }

    fn sweep_staging(&self, now: Timestamp) -> io::Result<u64> {
        self.disk.sweep_staging(now)
    }

    fn free_space(&self) -> io::Result<u64> {
        self.disk.free_space()
    }

    fn same_place(&self) -> io::Result<bool> {
        self.disk.same_place()
    }
}

#[test]
fn a_client_that_changes_the_folder_meanwhile_loses_nothing() {
    let mut world = repository(10);
    let disk = world.sim.disk.fork();
    for name in two(&disk) {
        let bytes = disk.content(&name).unwrap();
        let copies = [format!("{name} (1)"), format!("dir (1)/{name}")];
        let acts: [fn(&SimulatedDisk, &str); 4] = [
            |disk, name| assert!(disk.take(name)),
            |disk, name| assert!(disk.truncate(name, 10)),
            |disk, name| assert!(disk.flip(name, 2000, 1)),
            |disk, name| {
                let bytes = disk.content(name).unwrap();
                disk.take(name);
                disk.add(&format!("elsewhere/{name}"), &bytes);
            },
        ];
        for (number, act) in acts.into_iter().enumerate() {
            for at in 0.. {
                let there = Arc::new(disk.fork());
                copies.iter().for_each(|copy| there.add(copy, &bytes));
                let client: Client = {
                    let name = name.clone();
                    Box::new(move |disk| act(disk, &name))
                };
                let (operations, disk) = (AtomicU64::new(0), there.clone());
                let shared = Arc::new(Shared { disk, operations, at, client });
                world.sim.seam.disk = shared.clone();
                let report = ops::tidy(&world.own(), false, &Silent);
                if shared.operations.load(Ordering::Relaxed) <= at {
                    break;
                }
                // At least one whole file is left, whenever the client struck.
                let left = there
                    .files()
                    .into_iter()
                    .filter(|(path, found)| path.to_lowercase().contains(&name) && *found == bytes);
                // After the last deletion the client alone is to blame.
                let deleted = !copies.iter().any(|copy| there.content(copy).is_some());
                let is_after = deleted && report.as_ref().is_ok_and(|r| r.removed.len() == 2);
                assert!(left.count() > 0 || is_after, "act {number} at {at}: {report:#?}");
            }
        }
    }
}

#[test]
fn an_original_that_goes_with_its_copy_is_put_back() {
    let mut world = repository(11);
    let disk = world.sim.disk.fork();
    for name in two(&disk) {
        let bytes = disk.content(&name).unwrap();
        let mut seen = false;
        for at in 0.. {
            let there = Arc::new(disk.fork());
            there.add(&format!("{name} (1)"), &bytes);
            // A folder that is shown twice: what is deleted in one place is gone in the other.
            let client: Client = {
                let name = name.clone();
                Box::new(move |disk| {
                    if disk.content(&format!("{name} (1)")).is_none() {
                        disk.take(&name);
                    }
                })
            };
            let (operations, held) = (AtomicU64::new(0), there.clone());
            let shared = Arc::new(Shared { disk: held, operations, at, client });
            world.sim.seam.disk = shared.clone();
            let report = ops::tidy(&world.own(), false, &Silent).unwrap();
            if shared.operations.load(Ordering::Relaxed) <= at {
                break;
            }
            if kept(&report) == [(&*format!("{name} (1)"), KeptReason::SameFile)] {
                assert_eq!(there.content(&name), Some(bytes.clone()), "{at}");
                seen = true;
            }
        }
        assert!(seen, "it never happened");
    }
}
