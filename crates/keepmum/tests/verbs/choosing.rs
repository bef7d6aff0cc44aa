//! Which snapshot is meant: `latest`, `latest~N`, prefixes, times, devices and sources.

use keepmum::model::{Time, TreePath};
use keepmum::ops::{self, Access, Error, ErrorKind, ListOptions, Silent, SnapshotChoice, Which};
use keepmum::seam::Timestamp;
use keepmum::store::simulated::Simulation;

use crate::scene::{PASSWORD, Scene, latest, noise};

/// Where simulated time begins.
const START: i64 = 1_767_225_600;

/// The id of the snapshot that is meant.
fn chosen(access: &Access, snapshot: &SnapshotChoice) -> Result<String, Error> {
    let options =
        ListOptions { snapshot: snapshot.clone(), path: TreePath::root(), recursive: false };
    ops::list(access, &options, &mut |_| true, &Silent).map(|report| report.snapshot.id)
}

/// A run at a time, with a change; answers with its snapshot.
fn backup_at(scene: &Scene, access: Access, seconds: i64, source: &str) -> String {
    let world = Simulation::with_disk(seconds as u64 + 99, scene.disk.clone());
    world.clock.set(Timestamp { seconds, nanos: 0 });
    scene.write(&format!("at {seconds}"), "x");
    let access = Access { seam: world.seam, ..access };
    let options = ops::BackupOptions { source: source.to_owned(), ..scene.backup_options() };
    ops::backup(&access, &options, &Silent).unwrap().snapshot.unwrap()
}

fn three() -> (Scene, [String; 3]) {
    let scene = Scene::new();
    // The clock was wrong at the second run: the chain counts, not the time.
    let times = [START + 1000, START + 9000, START + 5000];
    let ids = times.map(|time| backup_at(&scene, scene.with_catalogue(PASSWORD), time, "source"));
    (scene, ids)
}

fn choice(which: Which) -> SnapshotChoice {
    SnapshotChoice { which, ..latest(0) }
}

#[test]
fn latest_goes_by_the_chain() {
    let (scene, ids) = three();
    let access = || scene.with_catalogue(PASSWORD);
    for (back, id) in ids.iter().rev().enumerate() {
        assert_eq!(&chosen(&access(), &latest(back as u32)).unwrap(), id);
    }
    let error = chosen(&access(), &latest(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.to_string(), "there are only 3 complete snapshots");
}

#[test]
fn a_prefix_must_mean_one() {
    let (scene, ids) = three();
    let access = || scene.with_catalogue(PASSWORD);
    let id = |prefix: &str| chosen(&access(), &choice(Which::Id(prefix.to_owned())));
    for expected in &ids {
        assert_eq!(&id(expected).unwrap(), expected);
        assert_eq!(&id(&expected[..12].to_uppercase()).unwrap(), expected);
    }
    let error = id("").unwrap_err().to_string();
    assert!(ids.iter().all(|id| error.contains(&id[..12])), "{error}");
    let none = id("ffffffffffffffffffffffffffffffff").unwrap_err();
    assert!(none.to_string().starts_with("there is no snapshot ffff"), "{none}");
}

#[test]
fn at_takes_the_last_one_at_or_before_a_time() {
    let (scene, ids) = three();
    let access = || scene.with_catalogue(PASSWORD);
    let at = |seconds| chosen(&access(), &choice(Which::At(Time { seconds, nanos: 0 })));
    assert_eq!(at(START + 999).unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(at(START + 1500).unwrap(), ids[0]);
    assert_eq!(at(START + 4999).unwrap(), ids[0]);
    // Of those that say so, the last in the chain, whatever the clock said before.
    assert_eq!(at(START + 6000).unwrap(), ids[2]);
    assert_eq!(at(START + 90_000).unwrap(), ids[2]);
}

#[test]
fn a_snapshot_that_is_not_all_here_is_not_the_latest() {
    let (scene, ids) = three();
    let before = scene.disk.paths();
    scene.write("large", noise(2_000_000));
    let newest = scene.backup().unwrap().snapshot.unwrap();
    let mut more: Vec<_> = scene
        .disk
        .files()
        .into_iter()
        .filter(|(path, _)| !before.contains(path))
        .map(|(path, bytes)| (bytes.len(), path))
        .collect();
    more.sort();
    assert!(more.len() > 1, "a large run has several objects: {more:?}");
    scene.disk.take(&more.last().unwrap().1);
    let access = || scene.with_catalogue(PASSWORD);
    assert_eq!(chosen(&access(), &latest(0)).unwrap(), ids[2]);
    assert_eq!(chosen(&access(), &choice(Which::Id(newest[..8].to_owned()))).unwrap(), newest);
}

#[test]
fn of_several_devices_or_sources_one_must_be_named() {
    let (scene, ids) = three();
    let other = |scene: &Scene| {
        let mut access = scene.access(PASSWORD);
        let file = scene.folder.path().join("other.sqlite");
        access.catalogue = ops::CatalogueAt::File(file);
        access.installation.identity = b"another machine".to_vec();
        access.installation.device_name = "desktop".to_owned();
        access
    };
    let theirs = backup_at(&scene, other(&scene), START + 20_000, "papers");
    let nobody = || {
        let mut access = scene.access(PASSWORD);
        access.installation.identity = b"a third one".to_vec();
        access
    };
    let error = chosen(&nobody(), &latest(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let said = error.to_string();
    assert!(said.contains("desktop: papers") && said.contains("laptop: source"), "{said}");
    let of = |device: Option<&str>, source: Option<&str>, own| SnapshotChoice {
        device: device.map(str::to_owned),
        source: source.map(str::to_owned),
        own,
        ..latest(0)
    };
    assert_eq!(chosen(&nobody(), &of(Some("desktop"), None, false)).unwrap(), theirs);
    assert_eq!(chosen(&nobody(), &of(None, Some("source"), false)).unwrap(), ids[2]);
    assert!(chosen(&nobody(), &of(Some("desktop"), Some("source"), false)).is_err());
    let list = ops::snapshots(&nobody(), &Silent).unwrap().snapshots;
    let device = list.iter().find(|line| line.id == theirs).unwrap().device_id.clone();
    assert_eq!(chosen(&nobody(), &of(Some(&device[..6]), None, false)).unwrap(), theirs);
    // With a config, each device means its own.
    assert_eq!(chosen(&other(&scene), &of(None, None, true)).unwrap(), theirs);
    assert_eq!(chosen(&scene.with_catalogue(PASSWORD), &of(None, None, true)).unwrap(), ids[2]);
    // An id means what it says, whoever asks.
    assert_eq!(chosen(&other(&scene), &choice(Which::Id(ids[0].clone()))).unwrap(), ids[0]);
}
