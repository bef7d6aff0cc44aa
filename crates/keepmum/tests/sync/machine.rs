//! A machine: its folder of the service, its source, its catalogue, and the password that its
//! person types.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keepmum::inside::compress::Level;
use keepmum::inside::crypto::{Passphrase, Profile};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Timestamp;
use keepmum::inside::store::simulated::{SimulatedDisk, Simulation};
use keepmum::ops::{Access, BackupOptions, CatalogueAt, Deletions, Installation, KeyCacheAt};

use crate::provider::There;
use crate::support::{Dice, Tree};

/// When the world begins: later than any time that the real file system gives, so that changes of
/// the source count as settled, and the same in each repetition.
pub(crate) const BEGIN: i64 = 4_102_444_800;

/// A state of a machine to which it may be set back.
pub(crate) struct Image {
    pub(crate) disk: SimulatedDisk,
    catalogue: Vec<(PathBuf, Vec<u8>)>,
}

/// One machine.
pub(crate) struct Machine {
    pub(crate) sim: Simulation,
    /// The machine's id; a clone has the one of its original.
    pub(crate) identity: Vec<u8>,
    pub(crate) name: String,
    /// Seconds by which its clock is wrong.
    pub(crate) skew: i64,
    /// The password that its person types.
    pub(crate) secret: String,
    /// The stored files that were here when its folder was last looked at.
    pub(crate) there: There,
    pub(crate) images: Vec<Image>,
    /// Trees of runs that did not say how they ended; such a run may have made a snapshot.
    pub(crate) attempts: Vec<Tree>,
    /// Where it lies while another machine is at work.
    home: PathBuf,
    /// Where the machine that is at work lies: all have one path, as copies of a machine have.
    place: PathBuf,
}

impl Machine {
    /// A machine with an empty folder, source and catalogue below `lane`.
    pub(crate) fn new(lane: &Path, number: usize, seed: u64, secret: &str) -> Self {
        let home = lane.join(format!("m{number}"));
        for folder in ["source", "db"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        Self {
            sim: Simulation::new(seed.wrapping_mul(64).wrapping_add(number as u64)),
            identity: format!("machine {number}").into_bytes(),
            name: format!("device {number}"),
            skew: 0,
            secret: secret.to_owned(),
            there: There::new(),
            images: Vec::new(),
            attempts: Vec::new(),
            home,
            place: lane.join("home"),
        }
    }

    pub(crate) fn disk(&self) -> &SimulatedDisk {
        &self.sim.disk
    }

    /// It comes to the place of the machine that is at work, or leaves it.
    pub(crate) fn comes(&self, is_at_work: bool) {
        let (from, to) =
            if is_at_work { (&self.home, &self.place) } else { (&self.place, &self.home) };
        fs::rename(from, to).unwrap();
    }

    /// Fills its source, before it has ever been at work.
    pub(crate) fn fill(&self, dice: &mut Dice) {
        crate::source::fill(dice, &self.home.join("source"));
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.place.join("source")
    }

    pub(crate) fn catalogue(&self) -> PathBuf {
        self.place.join("db/catalogue.sqlite")
    }

    /// How this machine reaches its folder, at a time of the world.
    pub(crate) fn access(
        &self,
        now: i64,
        secret: &str,
        catalogue: CatalogueAt,
        mode: u64,
    ) -> Access {
        self.sim.clock.set(Timestamp { seconds: now + self.skew, nanos: 0 });
        Access {
            seam: self.sim.seam.clone(),
            passphrase: Passphrase::new(secret.to_owned()),
            catalogue,
            key_cache: None,
            profile: Profile::Test,
            mode: Mode::Replay { seed: mode },
            installation: Installation {
                machine: self.identity.clone(),
                place: None,
                device_name: self.name.clone(),
                roots: Vec::new(),
            },
        }
    }

    pub(crate) fn own(&self, now: i64, mode: u64) -> Access {
        let (file, secret) = (self.place.join("db/keys"), self.place.join("keys.secret"));
        let catalogue = CatalogueAt::File(self.catalogue());
        let key_cache = Some(KeyCacheAt { file, secret });
        Access { key_cache, ..self.access(now, &self.secret, catalogue, mode) }
    }

    pub(crate) fn options(&self) -> BackupOptions {
        BackupOptions {
            source: "source".to_owned(),
            roots: vec![self.source()],
            accept_deletions: Deletions::All,
            create: true,
            level: Level::Fast,
            // A few objects make a long run, so that checkpoints come up.
            checkpoint_after: 300_000,
            ..BackupOptions::default()
        }
    }

    /// Puts another folder in the place of the present one.
    pub(crate) fn set_disk(&mut self, disk: SimulatedDisk) {
        let disk = Arc::new(disk);
        self.sim.seam.disk = disk.clone();
        self.sim.disk = disk;
    }

    /// The machine was killed: its process did nothing more to the catalogue after that moment.
    /// SQLite is not simulated, so it is set back to before the run, with the number that is
    /// reserved before all else.
    pub(crate) fn kill_catalogue(&self, before: &[(PathBuf, Vec<u8>)]) {
        let number = self.catalogue_files().into_iter().find(|(path, _)| is_number(path));
        self.lose_catalogue(true);
        let before = before.iter().filter(|(path, _)| number.is_none() || !is_number(path));
        for (path, bytes) in before.chain(&number) {
            fs::write(path, bytes).unwrap();
        }
    }

    pub(crate) fn catalogue_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = fs::read_dir(self.place.join("db")).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.is_file());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    /// Forgets the catalogue, or all of it but the number that is kept beside it.
    pub(crate) fn lose_catalogue(&self, also_number: bool) {
        for (path, _) in self.catalogue_files() {
            if also_number || !is_number(&path) {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Keeps an image of the folder and the catalogue.
    pub(crate) fn keep_image(&mut self) {
        let image = Image { disk: self.disk().fork(), catalogue: self.catalogue_files() };
        self.images.push(image);
    }

    /// Sets the catalogue back to an image.
    pub(crate) fn put_catalogue(&self, image: usize) {
        self.lose_catalogue(true);
        for (path, bytes) in &self.images[image].catalogue {
            fs::write(path, bytes).unwrap();
        }
    }

    /// A copy of this machine, which goes on beside it. This one must be at work.
    pub(crate) fn copy(&self, lane: &Path, number: usize, seed: u64) -> Self {
        let mut copy = Self::new(lane, number, seed, &self.secret);
        copy.identity.clone_from(&self.identity);
        copy.name.clone_from(&self.name);
        copy.set_disk(self.disk().fork());
        copy.attempts.clone_from(&self.attempts);
        for (path, bytes) in self.catalogue_files() {
            fs::write(copy.home.join("db").join(path.file_name().unwrap()), bytes).unwrap();
        }
        crate::source::copy(&self.source(), &copy.home.join("source"));
        copy
    }

    /// From now on it draws other random numbers.
    pub(crate) fn redraw(&mut self, seed: u64) {
        self.sim.seam.random = Simulation::new(seed).seam.random;
    }

    /// Time passes for its disk: after a fault it works again, with or without a power cut.
    pub(crate) fn recover(&self, power_cut: Option<u64>) {
        if let Some(seed) = power_cut {
            self.disk().crash();
            self.disk().restart(seed);
        }
        self.disk().heal();
        self.sim.clock.advance(Duration::from_secs(1));
    }
}

/// Whether a file beside the catalogue holds the number of the last run.
fn is_number(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "run")
}
