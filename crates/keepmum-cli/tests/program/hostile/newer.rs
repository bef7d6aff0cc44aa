//! Data of a later version: one unknown thing of each kind. It is reported, never called damage or
//! a wrong password, never stored again, and the chain of records goes through it.

use std::fs;
use std::sync::Arc;

use keepmum::inside::compress::Decompressor;
use keepmum::inside::crypto::record_hash;
use keepmum::inside::format::{ObjectKind, PieceKind, Record};
use keepmum::inside::model::{DeviceId, ObjectKey, RecordHash, RecordRef};
use keepmum::inside::repository::{ObjectReader, RawListing};
use keepmum::inside::seam::{RealDisk, SystemRandom};
use keepmum::inside::store::LocalStore;

use crate::binary::{Place, Said};
use crate::hostile::cbor::{array, bytes, head, map, uint};
use crate::hostile::forge::{CHUNK, Forge, INDEX, RECORD, block, entry, id, plaintext, with_table};
use crate::hostile::trial::{Case, not_understood, trial, unknown};
use crate::prepared::{keepmum, ready};

/// The content of a file of the hostile run that lies in an object of its own.
const NEWS: &[u8] = b"news from the future\n";

/// A folder with a file whose content is in none of the pieces of the record object.
fn refers(forge: &mut Forge) {
    let content = array(&[uint(NEWS.len() as u64), bytes(&id(CHUNK, NEWS).0)]);
    forge.evil(&[entry(b"news", 0, &[(4, content)])]);
}

/// The footer of a table of this length, with these four bytes as its version.
fn footer(version: [u8; 4], table: &[u8]) -> Vec<u8> {
    [version, u32::try_from(table.len()).unwrap().to_le_bytes()].concat()
}

/// The record object of run 2 with another version in its footer.
fn of_version(forge: &mut Forge, version: [u8; 4]) {
    let record = forge.hostile_record();
    let mut plain = forge.record_object(record);
    let at = plain.len() - 8;
    plain[at..at + 4].copy_from_slice(&version);
    forge.object(ObjectKind::Record, 2, 0, &plain);
}

/// A data object of run 2 in the table of which this row stands, and which no index names.
fn data(forge: &mut Forge, change: fn(&mut Vec<u8>)) {
    refers(forge);
    let piece = block(CHUNK, &[NEWS.to_vec()]);
    let mut row = piece.row();
    change(&mut row);
    forge.strike_with(&[with_table(&[piece], &array(&[row]))]);
}

/// An object beside run 2, which is honest.
fn beside(forge: &mut Forge, kind: u8) {
    forge.strike_once();
    forge.object(ObjectKind::from_u8(kind), 3, 0, b"from a later version");
}

const OBJECTS: &[Case] = &[
    not_understood("a record object of version 1", |forge| of_version(forge, [1, 0, 0, 0])),
    not_understood("a record object with a wider version", |forge| {
        of_version(forge, [0, 0, 1, 0]);
    }),
    not_understood("a table with eight elements", |forge| {
        let record = forge.hostile_record();
        let piece = block(RECORD, &[record]);
        let mut row = piece.row();
        row[0] = head(4, 8)[0];
        row.extend([uint(0), uint(0)].concat());
        forge.object(ObjectKind::Record, 2, 0, &with_table(&[piece], &array(&[row])));
    }),
    Case {
        in_data: true,
        ..unknown("a data object of a later codec", |forge| data(forge, |row| row[2] = 3))
    },
    Case {
        in_data: true,
        ..unknown("a data object of a later kind of piece", |forge| data(forge, |row| row[1] = 9))
    },
    Case {
        in_data: true,
        ..unknown("a data object of version 1", |forge| {
            refers(forge);
            let table = array(&[block(CHUNK, &[NEWS.to_vec()]).row()]);
            let plain = [NEWS, &table, &footer([1, 0, 0, 0], &table)].concat();
            forge.strike_with(&[plain]);
        })
    },
    Case {
        restore: &[0],
        ..unknown("an index of later tables", |forge| {
            refers(forge);
            let mut row = block(CHUNK, &[NEWS.to_vec()]).row();
            row[2] = 3;
            let entry = [
                bytes(&forge.device.0),
                uint(2),
                uint(0),
                uint(5000),
                bytes(&[8; 16]),
                array(&[row]),
            ];
            forge.piece(INDEX, array(&[array(&entry)]));
            forge.strike_with(&[plaintext(&[block(CHUNK, &[NEWS.to_vec()])])]);
        })
    },
    Case {
        restore: &[0],
        ..unknown("objects of later kinds that a record lists", |forge| {
            let listed = [4, 6, 7, 255].into_iter().zip(0..);
            let listed: Vec<_> = listed
                .map(|(kind, number)| forge.object(ObjectKind::from_u8(kind), 2, number, b"later"))
                .collect();
            forge.fields.insert(10, array(&[array(&[uint(2), array(&listed)])]));
            let record = forge.hostile_record();
            let plain = forge.record_object(record);
            forge.object(ObjectKind::Record, 2, 9, &plain);
        })
    },
];

const NAMES: &[Case] = &[
    not_understood("an object of kind 4", |forge| beside(forge, 4)),
    not_understood("an object of kind 6", |forge| beside(forge, 6)),
    not_understood("an object of kind 7", |forge| beside(forge, 7)),
    not_understood("an object of kind 255", |forge| beside(forge, 255)),
    not_understood("an object of kind 0", |forge| beside(forge, 0)),
    not_understood("a record of epoch 0", |forge| {
        forge.strike_once();
        forge.strange(|name| name.epoch = 0, None);
    }),
    not_understood("a record of more than 256 MiB", |forge| {
        forge.strike_once();
        forge.strange(|_| {}, Some((256 << 20) + 1));
    }),
];

const RECORDS: &[Case] = &[
    not_understood("an item of a later type", |forge| {
        let hash = forge.honest_run();
        let record = forge.record(2, Some((1, hash)), &[array(&[uint(12), map(&[])])]);
        let plain = forge.record_object(record);
        forge.object(ObjectKind::Record, 2, 0, &plain);
    }),
    Case {
        restore: &[0],
        ..unknown("an item of a later type beside a snapshot", |forge| {
            let hash = forge.honest_run();
            let letter = forge.file(b"letter", crate::hostile::forge::LETTER);
            let folder = forge.node(&[letter]);
            let root = forge.node(&[crate::hostile::forge::directory(b"good", &folder)]);
            let body = forge.backup(1, &root, array(&[forge.range(1, 2)]));
            let items = [array(&[uint(3), body]), array(&[uint(99), map(&[])])];
            let record = forge.record(2, Some((1, hash)), &items);
            let plain = forge.record_object(record);
            forge.object(ObjectKind::Record, 2, 0, &plain);
        })
    },
];

#[test]
fn objects_of_a_later_version_are_reported_and_not_damage() {
    trial(OBJECTS);
}

#[test]
fn names_of_a_later_version_are_ours_and_not_opened() {
    trial(NAMES);
}

/// Its key block may be on its way: that is pending, and told by whoever is asked for the latest.
#[test]
fn a_record_of_an_epoch_whose_key_block_is_not_here_is_pending() {
    let mut forge = Forge::new();
    forge.strike_once();
    forge.strange(|name| name.epoch = 9, None);
    for (words, said) in [
        (&["restore", "-t", "out"][..], "has not arrived yet"),
        (&["ls", "latest"], "has not arrived yet"),
        (&["check", "--read-data"], "1 stored file still arriving"),
    ] {
        let found = keepmum(&forge.place, words);
        assert_eq!(found.code, 3, "{found:?}");
        assert!(format!("{}{}", found.stdout, found.stderr).contains(said), "{found:?}");
    }
}

#[test]
fn records_of_a_later_version_are_reported() {
    trial(RECORDS);
}

/// A place whose own device has one snapshot.
fn own_place() -> (Place, Forge) {
    let place = ready("");
    place.file("source/first", "first\n");
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    let mut forge = Forge::new();
    forge.device = records(&place).first().unwrap().0.device;
    (place, forge)
}

/// Every record that is here and understood, with the object that holds it, by run.
fn records(place: &Place) -> Vec<(Record, RecordHash, ObjectKey)> {
    let disk = RealDisk::open(&place.path("destination"), Arc::new(SystemRandom)).unwrap();
    let (store, keys) = (LocalStore::new(Arc::new(disk)), crate::hostile::forge::keys());
    let listing = RawListing::read(&store).unwrap().open(&keys, keepmum::Mode::Threads(1));
    let reader = ObjectReader::new(&store, &keys, &listing);
    let mut found = Vec::new();
    for (key, _) in listing.objects.iter() {
        let Ok(table) = reader.table(&key) else { continue };
        for (offset, row) in table.offsets().filter(|(_, row)| row.kind == PieceKind::Record) {
            let pieces = reader.pieces(&key, offset, row, &mut Decompressor::new()).unwrap();
            for piece in pieces {
                let Ok(record) = Record::decode(&piece) else { continue };
                found.push((record, RecordHash(record_hash(&piece)), key));
            }
        }
    }
    found.sort_by_key(|(record, ..)| record.run);
    found
}

/// Run 2 of this machine's own device, made by a later version: this one has only the numbers.
fn own_run_of_a_later_version(change: fn(&mut Forge, Vec<u8>)) -> (Place, DeviceId, [u8; 32]) {
    let (place, mut forge) = own_place();
    let (first, hash, _) = records(&place).remove(0);
    forge.place = place;
    forge.fields.insert(14, uint(1));
    let record = forge.raw_record(2, (1, hash.0));
    change(&mut forge, record.clone());
    let place = forge.place;
    let number = fs::read_dir(place.path("db")).unwrap().map(|file| file.unwrap().path());
    let number = number.filter(|path| path.extension().is_some_and(|end| end == "run"));
    number.for_each(|path| fs::write(path, "2\n").unwrap());
    (place, first.device, record_hash(&record))
}

fn backs_up(place: &Place) -> Said {
    place.file("source/second", "second\n");
    let said = keepmum(place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    said
}

#[test]
fn a_record_that_is_not_understood_is_a_link_of_its_own_devices_chain() {
    let (place, device, hash) = own_run_of_a_later_version(|forge, record| {
        let plain = forge.record_object(record);
        forge.object(ObjectKind::Record, 2, 0, &plain);
    });
    let restored = keepmum(&place, ["restore", "-t", "out"]);
    assert_eq!(restored.code, 3, "{restored:?}");
    backs_up(&place);
    let records = records(&place);
    let (last, ..) = records.last().unwrap();
    assert_eq!((last.device, last.run), (device, 3));
    assert_eq!(last.previous, Some((2, RecordHash(hash))));
    // The newest is understood again, and nothing hides behind it.
    let said = keepmum(&place, ["restore", "-t", "again"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn nothing_follows_an_own_record_whose_object_does_not_open() {
    let (place, device, _) = own_run_of_a_later_version(|forge, record| {
        let mut plain = forge.record_object(record);
        let at = plain.len() - 8;
        plain[at] = 1;
        forge.object(ObjectKind::Record, 2, 0, &plain);
    });
    let said = backs_up(&place);
    assert!(said.stderr.contains("is not understood by this version"), "{said:?}");
    let records = records(&place);
    let (last, ..) = records.last().unwrap();
    assert_ne!(last.device, device, "a fork of its own chain");
    let gone = keepmum(&place, ["check"]);
    assert_eq!(gone.code, 3, "{gone:?}");
}

#[test]
fn nothing_is_acknowledged_from_the_first_record_on_that_is_not_understood() {
    let mut forge = Forge::new();
    let first = forge.honest_run();
    forge.fields.insert(14, uint(1));
    forge.strike_once();
    let place = &forge.place;
    backs_up(place);
    let seen = |run: usize| {
        let mut own = records(place);
        own.retain(|(record, ..)| record.device != forge.device);
        own.remove(run - 1).0.seen
    };
    // Records read after the destination was listed are named by the next run.
    assert_eq!(seen(1), []);
    place.file("source/third", "third\n");
    let said = keepmum(place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    let found = RecordRef { device: forge.device, run: 1, hash: RecordHash(first) };
    assert_eq!(seen(2), [found]);
}
