//! Which device is which: copies that take turns, older images, lost catalogues, repositories that
//! met later; and that the id of a snapshot is the same for everybody and for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::support::{World, full_check, latest, options};
use keepmum::inside::catalogue::{Catalogue, state};
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{
    self, Access, BackupOptions, Deletions, ErrorKind, Event, Observer, Outcome, Silent,
    SnapshotChoice, SnapshotLine, Which,
};

/// Keeps the messages of a run.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: Event) {
        if let Event::Notice(text) = event {
            self.0.lock().unwrap().push(text);
        }
    }

    fn stopping(&self) -> bool {
        false
    }
}

/// A run with one more file; returns its messages about its device.
pub(super) fn run(world: &World, file: &str) -> Vec<String> {
    fs::write(world.source().join(file), file).unwrap();
    let notes = Notes::default();
    ops::backup(&world.own(), &options(&world.source()), &notes).unwrap();
    let mut said = notes.0.into_inner().unwrap();
    said.retain(|text| text.contains("device id"));
    said
}

/// The contents of the catalogue's folder.
pub(crate) fn image(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = world.catalogue().parent().unwrap().to_owned();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

pub(crate) fn put_image(image: &[(PathBuf, Vec<u8>)], folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
    for (path, bytes) in image {
        fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
    }
}

fn lines(access: &Access) -> Vec<SnapshotLine> {
    ops::snapshots(access, &Silent).unwrap().snapshots
}

pub(super) fn devices(access: &Access) -> BTreeSet<String> {
    lines(access).into_iter().map(|line| line.device_id).collect()
}

/// Another machine with a copy of the catalogue, the machine's id and the source.
pub(crate) fn clone_of(one: &World, seed: u64, disk: Arc<SimulatedDisk>) -> World {
    let mut clone = World::beside(seed, disk);
    clone.identity.clone_from(&one.identity);
    clone.name.clone_from(&one.name);
    put_image(&image(one), clone.catalogue().parent().unwrap());
    // On another machine the source has the same path; here both are on one.
    Catalogue::open(&clone.catalogue()).unwrap().forget(&state::ROOTS).unwrap();
    for entry in fs::read_dir(one.source()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), clone.source().join(entry.file_name())).unwrap();
    }
    clone
}

#[test]
fn two_copies_that_take_turns_are_found() {
    let one = World::new(61);
    run(&one, "first");
    let clone = clone_of(&one, 1061, Arc::clone(&one.sim.disk));
    let mut said = Vec::new();
    for round in 0..3 {
        for world in [&one, &clone] {
            said.extend(run(
                world,
                &format!("{} {round}", world.folder().display()).replace('/', "-"),
            ));
        }
    }
    assert_eq!(devices(&one.stranger()).len(), 2, "{said:?}");
    assert_eq!(said.len(), 1, "{said:?}");
    full_check(&one);
    full_check(&clone);
}

/// The same where a copy has used up numbers that came to nothing.
#[test]
fn copies_that_take_turns_are_found_also_where_runs_failed() {
    let one = World::new(62);
    run(&one, "first");
    let clone = clone_of(&one, 1062, Arc::clone(&one.sim.disk));
    // Three runs of the clone fail after their number was reserved.
    fs::write(clone.source().join("lost"), "lost").unwrap();
    for _ in 0..3 {
        clone.sim.disk.read_only(true);
        ops::backup(&clone.own(), &options(&clone.source()), &Silent).unwrap_err();
        clone.sim.disk.read_only(false);
    }
    let mut said = Vec::new();
    for round in 0..3 {
        for (name, world) in [("one", &one), ("clone", &clone)] {
            said.extend(run(world, &format!("{name} {round}")));
        }
    }
    assert_eq!(devices(&one.stranger()).len(), 2, "{said:?}");
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn an_older_image_of_the_machine_takes_a_new_id() {
    let one = World::new(63);
    run(&one, "first");
    let before = image(&one);
    run(&one, "second");
    let folder = one.catalogue().parent().unwrap().to_owned();
    put_image(&before, &folder);
    let said = run(&one, "third");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(devices(&one.stranger()).len(), 2);
    assert_eq!(run(&one, "fourth"), Vec::<String>::new());
    assert_eq!(devices(&one.stranger()).len(), 2);
    full_check(&one);
}

#[test]
fn a_device_that_lost_its_catalogue_keeps_its_id() {
    let one = World::new(64);
    run(&one, "first");
    run(&one, "second");
    let folder = one.catalogue().parent().unwrap().to_owned();
    // All of it, then all but the number that is kept beside it.
    for keep in [None, Some("catalogue.sqlite.run")] {
        let mut left = image(&one);
        left.retain(|(path, _)| Some(path.file_name().unwrap()) == keep.map(AsRef::as_ref));
        put_image(&left, &folder);
        assert_eq!(run(&one, &format!("after {keep:?}")), Vec::<String>::new());
        assert_eq!(devices(&one.stranger()).len(), 1);
    }
    full_check(&one);
}

/// The run after the loss has nothing to store, or is stopped once the device is known.
#[test]
fn a_lost_number_is_known_again_before_anything_is_stored() {
    let one = World::new(67);
    run(&one, "first");
    run(&one, "second");
    put_image(&[], one.catalogue().parent().unwrap());
    let report = ops::backup(&one.own(), &options(&one.source()), &Notes::default()).unwrap();
    assert_eq!(report.bytes_stored, 0);
    assert_eq!(run(&one, "third"), Vec::<String>::new());
    put_image(&[], one.catalogue().parent().unwrap());
    let refused = BackupOptions {
        roots: vec![one.source().join("empty")],
        accept_deletions: Deletions::Refuse,
        ..options(&one.source())
    };
    fs::create_dir(one.source().join("empty")).unwrap();
    ops::backup(&one.own(), &refused, &Notes::default()).unwrap_err();
    assert_eq!(run(&one, "fourth"), Vec::<String>::new());
    assert_eq!(devices(&one.stranger()).len(), 1);
    full_check(&one);
}

/// A catalogue that comes from a copy of its own while the number beside it is the newest: nobody
/// else has written.
#[test]
fn an_older_catalogue_with_the_newest_number_keeps_its_id() {
    let one = World::new(65);
    run(&one, "first");
    let mut mixed = image(&one);
    run(&one, "second");
    let number = one.catalogue().with_file_name("catalogue.sqlite.run");
    mixed.retain(|(path, _)| *path != number);
    mixed.push((number.clone(), fs::read(&number).unwrap()));
    put_image(&mixed, one.catalogue().parent().unwrap());
    assert_eq!(run(&one, "third"), Vec::<String>::new());
    assert_eq!(devices(&one.stranger()).len(), 1);
    full_check(&one);
}

/// The files that only the other has arrive at each of them.
pub(crate) fn sync(one: &SimulatedDisk, other: &SimulatedDisk) {
    for (from, to) in [(one, other), (other, one)] {
        let missing = from.files().into_iter();
        for (path, content) in missing.filter(|(path, _)| to.content(path).is_none()) {
            to.add(&path, &content);
        }
    }
}

fn of_device(name: &str) -> SnapshotChoice {
    SnapshotChoice {
        which: Which::Latest { back: 0 },
        device: Some(name.to_owned()),
        source: None,
        own: false,
    }
}

/// Two machines begin in one synced folder before either has seen the other.
#[test]
fn devices_that_began_apart_keep_their_ids_when_their_repositories_unite() {
    for seed in [71, 72, 73, 74] {
        let mut one = World::new(seed);
        let mut other = World::new(seed + 1000);
        one.name = "one".to_owned();
        other.name = "other".to_owned();
        for world in [&mut one, &mut other] {
            fs::write(world.source().join("file"), format!("first of {}", world.name)).unwrap();
            world.backup();
        }
        sync(&one.sim.disk, &other.sim.disk);
        let ids: BTreeSet<String> =
            lines(&one.stranger()).into_iter().map(|line| line.id).collect();
        for round in 0..2 {
            for world in [&mut one, &mut other] {
                let said = run(world, &format!("{} {round}", world.name));
                assert_eq!(said, Vec::<String>::new());
            }
            sync(&one.sim.disk, &other.sim.disk);
        }
        let now = lines(&one.stranger());
        assert_eq!(now.len(), 6);
        assert_eq!(now.iter().filter(|line| ids.contains(&line.id)).count(), 2, "ids changed");
        assert_eq!(devices(&one.stranger()).len(), 2);
        for world in [&one, &other] {
            let target = world.fresh_target();
            world.try_restore(&one.stranger(), of_device(&world.name), &target).unwrap();
            let last = world.inside(&target).join(format!("{} 1", world.name));
            assert!(last.exists(), "the latest of {} is its last run", world.name);
            let target = world.fresh_target();
            world.try_restore(&world.own(), latest(), &target).unwrap();
            assert!(world.inside(&target).join(format!("{} 1", world.name)).exists());
            full_check(world);
        }
    }
}

/// A catalogue that is lost after the repositories have united.
#[test]
fn a_lost_catalogue_is_known_again_by_the_token_of_any_repository() {
    let one = World::new(75);
    let other = World::new(1075);
    for world in [&one, &other] {
        run(world, "first");
    }
    sync(&one.sim.disk, &other.sim.disk);
    for world in [&one, &other] {
        let folder = world.catalogue().parent().unwrap().to_owned();
        put_image(&[], &folder);
        assert_eq!(run(world, "second"), Vec::<String>::new());
    }
    sync(&one.sim.disk, &other.sim.disk);
    assert_eq!(devices(&one.stranger()).len(), 2);
    full_check(&one);
}

/// Both branches of a fork keep their ids, wherever they are looked at and whatever else is there.
#[test]
fn the_ids_of_a_fork_are_the_same_before_and_after_both_have_arrived() {
    let mut one = World::new(66);
    fs::write(one.source().join("first"), "first").unwrap();
    one.backup();
    let mut clone = clone_of(&one, 1066, Arc::new(one.sim.disk.fork()));
    for world in [&mut one, &mut clone] {
        let name = world.folder().display().to_string();
        fs::write(world.source().join("file"), name).unwrap();
        world.backup();
    }
    let ids = [&one, &clone].map(|world| world.kept.last().unwrap().0.clone());
    assert_ne!(ids[0], ids[1]);
    sync(&one.sim.disk, &clone.sim.disk);
    for (world, id) in [&one, &clone].into_iter().zip(&ids) {
        let (_, tree) = world.restored(&one.stranger(), id);
        assert_eq!(tree, world.kept.last().unwrap().1);
    }
}

/// Two devices may have one name: then only the id says which is meant.
#[test]
fn of_two_devices_with_one_name_the_id_says_which() {
    let one = World::new(67);
    let mut other = World::beside(1067, Arc::clone(&one.sim.disk));
    other.name.clone_from(&one.name);
    run(&one, "one");
    run(&other, "other");
    let error =
        one.try_restore(&one.stranger(), of_device(&one.name), &one.fresh_target()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let ids = devices(&one.stranger());
    assert!(ids.iter().all(|id| error.to_string().contains(id.as_str())), "{error}");
    assert!(error.to_string().contains("last backup"), "{error}");
    for id in &ids {
        let target = one.fresh_target();
        one.try_restore(&one.stranger(), of_device(id), &target).unwrap();
    }
    let error = one.try_restore(
        &one.stranger(),
        SnapshotChoice { device: None, ..of_device("") },
        &one.fresh_target(),
    );
    assert!(ids.iter().all(|id| error.as_ref().unwrap_err().to_string().contains(id.as_str())));
    assert_eq!(one.check(&one.stranger()).outcome(), Outcome::Complete);
}

/// Two objects of one fork, alike in all that their names say but the hash: one with the bytes of
/// the other is not whole, whether or not the other is there.
#[test]
fn an_object_with_the_bytes_of_its_twin_is_damaged() {
    let mut one = World::new(68);
    fs::write(one.source().join("first"), "first").unwrap();
    one.backup();
    let mut clone = clone_of(&one, 1068, Arc::new(one.sim.disk.fork()));
    let before: BTreeSet<String> = one.sim.disk.paths().into_iter().collect();
    let mut twins = Vec::new();
    for world in [&mut one, &mut clone] {
        let name = world.folder().display().to_string();
        fs::write(world.source().join("file"), name).unwrap();
        world.backup();
        twins.extend(world.sim.disk.paths().into_iter().filter(|path| !before.contains(path)));
    }
    sync(&one.sim.disk, &clone.sim.disk);
    let [first, second] = &twins[..] else { panic!("{twins:?}") };
    let bytes = [first, second].map(|path| one.sim.disk.content(path).unwrap());
    assert_eq!(bytes[0].len(), bytes[1].len());
    // Exchanged; then one gone, its bytes under the other's name.
    one.sim.disk.add(first, &bytes[1]);
    one.sim.disk.add(second, &bytes[0]);
    let report = one.check(&one.stranger());
    assert_eq!((report.outcome(), report.objects_damaged), (Outcome::Damaged, 2), "{report:#?}");
    one.sim.disk.take(second);
    let report = one.check(&one.stranger());
    assert_eq!((report.outcome(), report.objects_damaged), (Outcome::Damaged, 1), "{report:#?}");
    // A copy with the right bytes serves.
    one.sim.disk.add(&format!("{first} (1)"), &bytes[0]);
    one.sim.disk.add(second, &bytes[1]);
    let stranger = one.stranger();
    for world in [&one, &clone] {
        let (id, tree) = world.kept.last().unwrap();
        assert_eq!(&world.restored(&stranger, id).1, tree);
    }
}

/// Two sources of one name share a catalogue only by mistake; roots that change are no other source.
#[test]
fn a_catalogue_is_of_one_source_and_its_roots_may_change() {
    let world = World::new(69);
    let folder = |name: &str| {
        let path = world.folder().join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(name.replace('/', "-")), name).unwrap();
        path
    };
    let (a, b, more) = (folder("a/docs"), folder("b/docs"), folder("more"));
    let run = |roots: &[&PathBuf]| {
        let roots = roots.iter().map(|root| root.to_path_buf()).collect();
        ops::backup(&world.own(), &ops::BackupOptions { roots, ..options(&a) }, &Silent)
    };
    run(&[&a]).unwrap();
    let error = run(&[&b]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherSource, "{error}");
    assert!(error.to_string().contains(a.to_str().unwrap()), "{error}");
    // Reading commands are informed too, and get nothing of the other.
    let mut access = world.own();
    access.installation.roots = vec![b.clone()];
    let error = world.try_restore(&access, latest(), &world.fresh_target()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherSource, "{error}");
    // The catalogue is lost, and the wrong config is the first to build it again.
    put_image(&[], world.catalogue().parent().unwrap());
    assert_eq!(run(&[&b]).unwrap_err().kind(), ErrorKind::OtherSource);
    // A folder more, one level up and down again, one less.
    for roots in [&[&a, &more][..], &[&a.parent().unwrap().to_owned(), &more], &[&a, &more], &[&a]]
    {
        run(roots).unwrap();
    }
    // The folder has moved.
    fs::rename(&a, world.folder().join("a/papers")).unwrap();
    run(&[&world.folder().join("a/papers")]).unwrap();
}
