//! A device with a source, a catalogue and a destination, and the expected contents of each of its
//! snapshots.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use keepmum::inside::compress::Level;
use keepmum::inside::crypto::{Passphrase, Profile};
use keepmum::inside::model::TreePath;
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Timestamp;
use keepmum::inside::source::Rules;
use keepmum::inside::store::simulated::{SimulatedDisk, Simulation};
use keepmum::ops::{
    self, Access, BackupOptions, BackupReport, CatalogueAt, CheckOptions, CheckReport, Deletions,
    Error, Event, Installation, Observer, Outcome, Overwrite, RestoreOptions, RestoreReport,
    Silent, SnapshotChoice, SnapshotState, Which,
};
use tempfile::TempDir;

use super::tree::{Tree, differences, scan};

/// One device in a simulated world.
pub(crate) struct World {
    pub(crate) sim: Simulation,
    pub(crate) mode: Mode,
    /// The installation's identity.
    pub(crate) identity: Vec<u8>,
    pub(crate) name: String,
    /// Seconds by which the clock runs before the file system's: with more than ten minutes, fresh
    /// writes count as settled.
    pub(crate) ahead: i64,
    /// Snapshots that were reported as done, with the tree each must give back.
    pub(crate) kept: Vec<(String, Tree)>,
    folder: TempDir,
    targets: AtomicU32,
}

/// Describes the change when one case is repeated.
struct Loud;

impl Observer for Loud {
    fn event(&self, event: Event) {
        if let Event::Change { .. } | Event::Notice(_) = event {
            eprintln!("{event:?}");
        }
    }

    fn stopping(&self) -> bool {
        false
    }
}

/// The options of a backup unless a test wants others.
pub(crate) fn options(source: &Path) -> BackupOptions {
    BackupOptions {
        source: "source".to_owned(),
        roots: vec![source.to_owned()],
        rules: Rules::default(),
        dry_run: false,
        list_changes: false,
        accept_deletions: Deletions::All,
        create: true,
        destination_is_partial: false,
        level: Level::Fast,
        compress_together: true,
        ..BackupOptions::default()
    }
}

/// A folder in memory where the system has one: a restore ends with a sync of the whole file
/// system, and these tests restore thousands of times. `TMPDIR` chooses another place.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// The newest complete snapshot of this device.
pub(crate) fn latest() -> SnapshotChoice {
    SnapshotChoice { which: Which::Latest { back: 0 }, device: None, source: None, own: true }
}

impl World {
    /// A world with an empty destination and an empty source.
    pub(crate) fn new(seed: u64) -> Self {
        Self::beside(seed, Arc::new(SimulatedDisk::new()))
    }

    /// Another device over this destination.
    pub(crate) fn beside(seed: u64, disk: Arc<SimulatedDisk>) -> Self {
        let folder = folder();
        std::fs::create_dir(folder.path().join("source")).unwrap();
        std::fs::create_dir(folder.path().join("db")).unwrap();
        Self {
            sim: Simulation::with_disk(seed, disk),
            mode: if seed.is_multiple_of(3) { Mode::Threads(2) } else { Mode::Replay { seed } },
            identity: format!("machine {seed}").into_bytes(),
            name: format!("device-{seed}"),
            ahead: 1000,
            kept: Vec::new(),
            folder,
            targets: AtomicU32::new(0),
        }
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    pub(crate) fn catalogue(&self) -> PathBuf {
        self.folder.path().join("db/catalogue.sqlite")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path for a target that does not exist yet.
    pub(crate) fn fresh_target(&self) -> PathBuf {
        let number = self.targets.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("target{number}"))
    }

    pub(crate) fn access(&self, catalogue: CatalogueAt) -> Access {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seconds = i64::try_from(now.as_secs()).unwrap() + self.ahead;
        self.sim.clock.set(Timestamp { seconds, nanos: now.subsec_nanos() });
        Access {
            seam: self.sim.seam.clone(),
            passphrase: Passphrase::new("the password of the tests".to_owned()),
            catalogue,
            key_cache: None,
            profile: Profile::Test,
            mode: self.mode,
            installation: Installation {
                machine: self.identity.clone(),
                place: None,
                device_name: self.name.clone(),
                roots: Vec::new(),
            },
        }
    }

    pub(crate) fn own(&self) -> Access {
        self.access(CatalogueAt::File(self.catalogue()))
    }

    /// As a machine that has nothing but the destination and the password.
    pub(crate) fn stranger(&self) -> Access {
        self.access(CatalogueAt::Temporary)
    }

    /// One backup, with any outcome; everything it reports as done is kept as to be restored.
    pub(crate) fn try_backup(&mut self) -> Result<BackupReport, Error> {
        let tree = scan(&self.source());
        let mut options = options(&self.source());
        options.list_changes = std::env::var_os("KEEPMUM_SEED").is_some();
        let report = ops::backup(&self.own(), &options, &Loud)?;
        match &report.snapshot {
            Some(id) => self.kept.push((id.clone(), tree)),
            None if report.problems.is_empty() => self.nothing_to_write(tree),
            None => {}
        }
        Ok(report)
    }

    /// The tree must be that of the last snapshot: the last that was reported, or one whose run
    /// was cut off after it was durable.
    fn nothing_to_write(&mut self, tree: Tree) {
        let last = self.kept.last().map(|(_, last)| differences(&tree, last));
        if last.as_ref().is_none_or(|differences| !differences.is_empty()) {
            let report = ops::snapshots(&self.own(), &Silent).unwrap();
            let newest =
                report.snapshots.iter().rfind(|line| line.own).expect("a snapshot").id.clone();
            let known = self.kept.iter().any(|(id, _)| *id == newest);
            assert!(!known, "changes were not seen: {last:#?}");
            self.kept.push((newest, tree));
        }
    }

    /// One backup that has to go through without a problem.
    pub(crate) fn backup(&mut self) -> BackupReport {
        let report = self.try_backup().unwrap();
        assert!(report.problems.is_empty(), "{:#?}", report.problems);
        report
    }

    pub(crate) fn try_restore(
        &self,
        access: &Access,
        snapshot: SnapshotChoice,
        target: &Path,
    ) -> Result<RestoreReport, Error> {
        let options = RestoreOptions {
            snapshot,
            paths: ops::Paths::default(),
            target: Some(target.to_owned()),
            dry_run: false,
            overwrite: Overwrite::IfChanged,
            delete: false,
            deletions: ops::Deletions::All,
            staying: Vec::new(),
            owner: ops::Owner::Names,
            special: true,
            list_changes: false,
        };
        ops::restore(access, &options, &Silent)
    }

    /// Where the source comes to lie in a target.
    pub(crate) fn inside(&self, target: &Path) -> PathBuf {
        target.join(self.source().strip_prefix("/").unwrap())
    }

    /// Restores one snapshot into a fresh target and reads the result.
    pub(crate) fn restored(&self, access: &Access, id: &str) -> (RestoreReport, Tree) {
        let which = Which::Id(id.to_owned());
        let choice = SnapshotChoice { which, device: None, source: None, own: false };
        let target = self.fresh_target();
        let report = self.try_restore(access, choice, &target).unwrap();
        let inside = self.inside(&target);
        let tree = if inside.exists() { scan(&inside) } else { Tree::new() };
        std::fs::remove_dir_all(&target).unwrap();
        (report, tree)
    }

    /// Every snapshot that was reported gives its tree back, byte for byte.
    pub(crate) fn verify(&self, access: &Access) {
        for (number, (id, tree)) in self.kept.iter().enumerate() {
            let (report, found) = self.restored(access, id);
            assert!(report.problems.is_empty(), "snapshot {number}: {:#?}", report.problems);
            let differences = differences(tree, &found);
            assert!(differences.is_empty(), "snapshot {number}: {differences:#?}");
        }
    }

    /// Every snapshot that is there, reported or not, is complete.
    pub(crate) fn all_complete(&self, access: &Access) {
        let report = ops::snapshots(access, &Silent).unwrap();
        assert_eq!(report.pending_records, 0);
        for line in &report.snapshots {
            assert_eq!(line.state, SnapshotState::Complete, "run {}", line.run);
        }
        for (id, _) in &self.kept {
            assert!(report.snapshots.iter().any(|line| line.id == *id), "a snapshot is missing");
        }
    }

    /// The report of `check` with all data read.
    pub(crate) fn check(&self, access: &Access) -> CheckReport {
        ops::check(access, &CheckOptions { read_data: ops::ReadData::Everything }, &Silent).unwrap()
    }
}

/// Checks with all data, with and without the catalogue: nothing may be wrong.
pub(crate) fn full_check(world: &World) {
    for access in [world.own(), world.stranger()] {
        let report = world.check(&access);
        assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
    }
}
