//! Which snapshot is meant: `latest`, `latest~N`, prefixes, times, devices and sources.

use keepmum::inside::model::{Time, TreePath};
use keepmum::inside::seam::Timestamp;
use keepmum::inside::store::simulated::Simulation;
use keepmum::ops::{
    self, Access, DiffAgainst, DiffOptions, DumpOptions, Error, ErrorKind, ListOptions, Outcome,
    RestoreOptions, Silent, SnapshotChoice, Which,
};

use crate::scene::{PASSWORD, Scene, latest, noise};

/// Where simulated time begins.
const START: i64 = 1_767_225_600;

/// The id of the snapshot that is meant.
fn chosen(access: &Access, snapshot: &SnapshotChoice) -> Result<String, Error> {
    let options = ListOptions {
        snapshot: snapshot.clone(),
        paths: ops::Paths::default(),
        recursive: false,
        sums: false,
    };
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
        assert_eq!(&id(&expected[..8].to_uppercase()).unwrap(), expected);
    }
    let error = id("").unwrap_err().to_string();
    assert!(ids.iter().all(|id| error.contains(&id[..8])), "{error}");
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
        access.installation.machine = b"another machine".to_vec();
        access.installation.device_name = "desktop".to_owned();
        access
    };
    let theirs = backup_at(&scene, other(&scene), START + 20_000, "papers");
    let nobody = || {
        let mut access = scene.access(PASSWORD);
        access.installation.machine = b"a third one".to_vec();
        access
    };
    let error = chosen(&nobody(), &latest(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let said = error.to_string();
    for (device, source) in [("desktop", "papers"), ("laptop", "source")] {
        assert!(said.contains(&format!("device {device} (")), "{said}");
        assert!(said.contains(&format!("), source {source}, last backup 2026-01-0")), "{said}");
    }
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
    // An id means the same snapshot everywhere.
    assert_eq!(chosen(&other(&scene), &choice(Which::Id(ids[0].clone()))).unwrap(), ids[0]);
}

/// The outcome of every verb that returns a part of a snapshot, and its report of the snapshot's
/// age.
fn outcomes(access: &dyn Fn() -> Access, snapshot: &SnapshotChoice, scene: &Scene) -> Vec<Outcome> {
    let path = TreePath::root();
    let list = ListOptions {
        snapshot: snapshot.clone(),
        paths: path.clone().into(),
        recursive: false,
        sums: false,
    };
    let listed = ops::list(&access(), &list, &mut |_| true, &Silent).unwrap();
    let dump = DumpOptions { snapshot: snapshot.clone(), paths: path.clone().into() };
    let dumped = ops::dump(&access(), &dump, &mut std::io::sink(), &Silent).unwrap();
    let target = tempfile::tempdir_in(scene.folder.path()).unwrap();
    let restore = RestoreOptions {
        snapshot: snapshot.clone(),
        paths: path.into(),
        target: Some(target.path().to_owned()),
        dry_run: true,
        overwrite: ops::Overwrite::IfChanged,
        delete: false,
        deletions: ops::Deletions::All,
        staying: Vec::new(),
        owner: ops::Owner::Names,
        special: false,
        list_changes: false,
    };
    let restored = ops::restore(&access(), &restore, &Silent).unwrap();
    let diff = |old: &SnapshotChoice, new: &SnapshotChoice| {
        let new = DiffAgainst::Snapshot(new.clone());
        let options = DiffOptions { old: old.clone(), new };
        ops::diff(&access(), &options, &mut |_| true, &Silent).unwrap().outcome()
    };
    let exact = choice(Which::Id(listed.snapshot.id.clone()));
    let (older, newer) = (diff(snapshot, &exact), diff(&exact, snapshot));
    vec![listed.outcome(), dumped.outcome(), restored.outcome(), older, newer]
}

#[test]
fn what_is_older_than_asked_for_is_partial_whatever_the_verb() {
    for lost in [true, false] {
        let (scene, ids) = three();
        let before = scene.disk.paths();
        scene.write("new", "a later state");
        scene.backup().unwrap();
        let record = scene.disk.paths().into_iter().find(|path| !before.contains(path)).unwrap();
        let access = || scene.with_catalogue(PASSWORD);
        let well = outcomes(&access, &latest(0), &scene);
        assert!(well.iter().all(|outcome| *outcome == Outcome::Complete), "{well:?}");
        // Without having read the record nobody can know its contents.
        let changed = match lost {
            true => scene.disk.take(&record),
            false => scene.disk.flip(&record, 700, 1),
        };
        assert!(changed);
        let access = || match lost {
            true => scene.with_catalogue(PASSWORD),
            false => scene.access(PASSWORD),
        };
        let late = Time { seconds: START + 900_000_000, nanos: 0 };
        for asked in [Which::Latest { back: 0 }, Which::Latest { back: 1 }, Which::At(late)] {
            let snapshot = choice(asked.clone());
            let given = outcomes(&access, &snapshot, &scene);
            let as_expected = given.iter().all(|outcome| *outcome == Outcome::Partial);
            assert!(as_expected, "{asked:?}, lost: {lost}: {given:?}");
        }
        // An id means just that one, and a time before the next record was never in doubt.
        let exact = choice(Which::Id(ids[2].clone()));
        let before = choice(Which::At(Time { seconds: START + 1500, nanos: 0 }));
        for clear in [exact, before] {
            let given = outcomes(&access, &clear, &scene);
            assert!(given.iter().all(|outcome| *outcome == Outcome::Complete), "{given:?}");
        }
    }
}

#[test]
fn another_device_of_which_no_snapshot_can_be_read_is_told() {
    let (scene, ids) = three();
    let before = scene.disk.paths();
    let stranger = |machine: &[u8], file: &str| {
        let mut access = scene.access(PASSWORD);
        access.catalogue = ops::CatalogueAt::File(scene.folder.path().join(file));
        access.installation.machine = machine.to_vec();
        access
    };
    backup_at(&scene, stranger(b"another machine", "other.sqlite"), START + 20_000, "source");
    let record = scene.disk.paths().into_iter().find(|path| !before.contains(path)).unwrap();
    assert!(scene.disk.flip(&record, 700, 1));
    // One of the two may be meant, and only one can be seen.
    let nobody = || stranger(b"a third one", "third.sqlite");
    let given = outcomes(&nobody, &latest(0), &scene);
    assert!(given.iter().all(|outcome| *outcome == Outcome::Partial), "{given:?}");
    assert_eq!(chosen(&nobody(), &latest(0)).unwrap(), ids[2]);
    // Whose snapshots these are asks for no others.
    let given = outcomes(&|| scene.with_catalogue(PASSWORD), &latest(0), &scene);
    assert!(given.iter().all(|outcome| *outcome == Outcome::Complete), "{given:?}");
}

#[test]
fn one_snapshot_is_not_searched_for_what_others_miss() {
    const RUNS: i64 = 24;
    let scene = Scene::new();
    let backup =
        |run: i64| backup_at(&scene, scene.with_catalogue(PASSWORD), START + 100 * run, "source");
    // The data of all snapshots lies in the object of the first run, except the large file, which
    // lies in others.
    backup(0);
    scene.write("large", noise(600_000));
    let first = backup(1);
    let largest = |file: &(String, Vec<u8>)| file.1.len();
    let data = scene.disk.files().into_iter().max_by_key(largest).unwrap().0;
    std::fs::remove_file(scene.source().join("large")).unwrap();
    let ids: Vec<String> = (2..RUNS).map(backup).collect();
    let operations = |snapshot: &SnapshotChoice| {
        let before = scene.disk.operations();
        let id = chosen(&scene.with_catalogue(PASSWORD), snapshot).unwrap();
        (id, scene.disk.operations() - before)
    };
    let asked = [choice(Which::Id(ids[10].clone())), latest(0), latest(1)];
    let well = asked.each_ref().map(operations);
    // Each snapshot needs its run, and none but the first its content.
    assert!(scene.disk.take(&data));
    for (snapshot, (id, alone)) in asked.iter().zip(well) {
        let (found, now) = operations(snapshot);
        assert_eq!(found, id);
        assert!(now <= 4 * alone, "{:?}: {now} operations, not {alone}", snapshot.which);
    }
    let state = ops::snapshots(&scene.with_catalogue(PASSWORD), &Silent).unwrap().snapshots;
    let complete = |id: &String| {
        let line = state.iter().find(|line| line.id == *id).unwrap();
        line.state == ops::SnapshotState::Complete
    };
    assert!(!complete(&first) && ids.iter().all(complete));
}
