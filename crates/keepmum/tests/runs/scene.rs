//! A small world for the verbs: a simulated destination, a source in a temporary folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use keepmum::inside::compress::Level;
use keepmum::inside::crypto::{Passphrase, Profile};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::source::Rules;
use keepmum::inside::store::simulated::{SimulatedDisk, Simulation};
use keepmum::ops::{
    self, Access, BackupOptions, BackupReport, CatalogueAt, Deletions, Error, Event, Installation,
    Observer, RecoveryCode, Silent, SnapshotChoice, Which,
};
use tempfile::TempDir;

/// The password that a scene begins with.
pub(crate) const PASSWORD: &str = "correct horse";

/// A destination with a repository, and a source.
pub(crate) struct Scene {
    pub(crate) disk: Arc<SimulatedDisk>,
    pub(crate) folder: TempDir,
    pub(crate) recovery: String,
    seed: std::cell::Cell<u64>,
}

/// Hears the recovery code of a new repository.
#[derive(Default)]
pub(crate) struct Told(pub(crate) Mutex<String>);

impl Observer for Told {
    fn event(&self, _: Event) {}

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        *self.0.lock().unwrap() = code.expose().to_owned();
        true
    }

    fn stopping(&self) -> bool {
        false
    }
}

impl Scene {
    /// A new repository, and an empty source.
    pub(crate) fn new() -> Self {
        Self::new_with_seed(1)
    }

    /// The same with other randomness.
    pub(crate) fn new_with_seed(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("source")).unwrap();
        let disk = Arc::new(SimulatedDisk::new());
        let mut scene = Self { disk, folder, recovery: String::new(), seed: seed.into() };
        let told = Told::default();
        ops::init(&scene.access(PASSWORD), &told).unwrap();
        scene.recovery = told.0.into_inner().unwrap();
        scene
    }

    /// The world of one run on this destination, with a password.
    pub(crate) fn access(&self, password: &str) -> Access {
        self.access_to(&self.disk, password)
    }

    /// The same on another destination, such as a fork of this one.
    pub(crate) fn access_to(&self, disk: &Arc<SimulatedDisk>, password: &str) -> Access {
        self.seed.set(self.seed.get() + 1);
        Access {
            seam: Simulation::with_disk(self.seed.get(), Arc::clone(disk)).seam,
            passphrase: Passphrase::new(password.to_owned()),
            catalogue: CatalogueAt::Temporary,
            key_cache: None,
            profile: Profile::Test,
            mode: Mode::Replay { seed: 7 },
            installation: Installation {
                machine: b"machine".to_vec(),
                place: None,
                device_name: "laptop".to_owned(),
                roots: Vec::new(),
            },
        }
    }

    /// Whether a password opens the repository.
    pub(crate) fn opens(&self, password: &str) -> bool {
        self.opens_at(&self.disk, password)
    }

    /// Whether it opens the repository at that destination.
    pub(crate) fn opens_at(&self, disk: &Arc<SimulatedDisk>, password: &str) -> bool {
        ops::snapshots(&self.access_to(disk, password), &Silent).is_ok()
    }

    /// The key blocks that are here: path and bytes.
    pub(crate) fn blocks(&self) -> Vec<(String, Vec<u8>)> {
        let is_one =
            |bytes: &[u8]| keepmum::inside::format::is_key_block_length(bytes.len() as u64);
        self.disk.files().into_iter().filter(|(_, bytes)| is_one(bytes)).collect()
    }

    /// Where the source is.
    pub(crate) fn source(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("source")
    }

    /// A file of the source.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.source().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// One run, with a catalogue that stays.
    pub(crate) fn backup(&self) -> Result<BackupReport, Error> {
        ops::backup(&self.with_catalogue(PASSWORD), &self.backup_options(), &Silent)
    }

    /// The world of one run that remembers.
    pub(crate) fn with_catalogue(&self, password: &str) -> Access {
        let file = self.folder.path().join("catalogue.sqlite");
        Access { catalogue: CatalogueAt::File(file), ..self.access(password) }
    }

    /// The options of a backup of the source.
    pub(crate) fn backup_options(&self) -> BackupOptions {
        BackupOptions {
            source: "source".to_owned(),
            roots: vec![self.source()],
            rules: Rules::default(),
            dry_run: false,
            list_changes: false,
            accept_deletions: Deletions::All,
            create: false,
            destination_is_partial: false,
            level: Level::Fast,
            compress_together: true,
            ..BackupOptions::default()
        }
    }
}

/// The newest snapshot, or one so many before it.
pub(crate) fn latest(back: u32) -> SnapshotChoice {
    SnapshotChoice { which: Which::Latest { back }, device: None, source: None, own: false }
}

/// Bytes that do not compress, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 12345_u64;
    let next = move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(next).collect()
}
