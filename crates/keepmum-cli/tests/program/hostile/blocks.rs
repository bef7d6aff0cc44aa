//! Objects that lie about their inside: tables, blocks, frames, indexes.

use keepmum::inside::format::ObjectKind;

use crate::hostile::cbor::{array, bytes, uint};
use crate::hostile::forge::{
    Block, CHUNK, Forge, INDEX, NODE, block, directory, entry, id, node, plaintext, with_table,
};
use crate::hostile::trial::{Case, damage, legal, no_snapshot, not_understood, trial};

const EVIL: &[u8] = b"evil content\n";

/// A file whose only chunk is in a data object that holds this block.
fn in_block(forge: &mut Forge, chunk: &[u8], block: Block) {
    refers(forge, chunk);
    forge.strike_with(&[plaintext(&[block])]);
}

/// A file that is this chunk, which is not stored with it.
pub(crate) fn refers(forge: &mut Forge, chunk: &[u8]) {
    let content = array(&[uint(chunk.len() as u64), bytes(&id(CHUNK, chunk).0)]);
    forge.evil(&[entry(b"file", 0, &[(4, content)])]);
}

/// The chunk in a block that says it is compressed, and these bytes for it.
fn compressed(forge: &mut Forge, frame: Vec<u8>) {
    let honest = block(CHUNK, &[EVIL.to_vec()]);
    in_block(forge, EVIL, Block { codec: 1, stored: frame.len() as u64, bytes: frame, ..honest });
}

/// A frame that says it holds `says` bytes and holds so many blocks of 128 KiB of one byte.
pub(crate) fn frame(says: u64, blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    frame.extend(says.to_le_bytes());
    for number in 1..=blocks {
        let head = ((128 * 1024) << 3) | (1 << 1) | u32::from(number == blocks);
        frame.extend(&head.to_le_bytes()[..3]);
        frame.push(b'x');
    }
    frame
}

/// The record object with a table made by hand.
fn tabled(forge: &mut Forge, table: impl Fn(&[Block]) -> Vec<u8>) {
    let record = forge.hostile_record();
    let blocks = [block(crate::hostile::forge::RECORD, &[record])];
    let plain = with_table(&blocks, &table(&blocks));
    forge.object(ObjectKind::Record, 2, 0, &plain);
}

/// The same with one row that is not as it should be.
pub(crate) fn row(forge: &mut Forge, change: impl Fn(&mut Block)) {
    tabled(forge, |blocks| {
        let mut block = blocks[0].clone();
        change(&mut block);
        array(&[block.row()])
    });
}

const FRAMES: &[Case] = &[
    damage("a frame that holds a gigabyte", |forge| compressed(forge, frame(1 << 30, 8192))),
    damage("a frame that holds a gigabyte and says that it is small", |forge| {
        compressed(forge, frame(EVIL.len() as u64, 8192));
    }),
    damage("a frame that says 2^63 bytes", |forge| compressed(forge, frame(1 << 63, 1))),
    damage("a frame that does not say how long it is", |forge| {
        // No content size, and the largest window there is.
        compressed(forge, vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x01, 0x00, 0x00]);
    }),
    damage("a frame with the largest window", |forge| {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0xff];
        frame.extend((EVIL.len() as u64).to_le_bytes());
        frame.extend([(13 << 3) | 1, 0, 0]);
        frame.extend(b"not this here");
        compressed(forge, frame);
    }),
    damage("a frame that may be skipped", |forge| {
        compressed(forge, [&[0x50, 0x2a, 0x4d, 0x18, 13, 0, 0, 0][..], EVIL].concat());
    }),
    damage("a frame with a dictionary", |forge| {
        compressed(forge, vec![0x28, 0xb5, 0x2f, 0xfd, 0x21, 0x07, 13, 0x01, 0x00, 0x00]);
    }),
    damage("no frame at all", |forge| compressed(forge, b"noise".to_vec())),
    damage("an empty frame", |forge| compressed(forge, Vec::new())),
    damage("a frame of another length than the table says", |forge| {
        in_block(
            forge,
            EVIL,
            Block {
                codec: 1,
                stored: frame(128 * 1024, 1).len() as u64,
                bytes: frame(128 * 1024, 1),
                ..block(CHUNK, &[EVIL.to_vec()])
            },
        );
    }),
];

const PLACES: &[Case] = &[
    damage("a chunk that is another than its id says", |forge| {
        let lie = Block { bytes: b"other content".to_vec(), ..block(CHUNK, &[EVIL.to_vec()]) };
        in_block(forge, EVIL, lie);
    }),
    damage("a node that would hold itself", |forge| {
        // The id in the table is that of an honest node; the node there names that very id.
        let claimed = id(NODE, &node(&[]));
        let circle = node(&[directory(b"again", &claimed)]);
        forge.root.push(directory(b"evil", &claimed));
        let lie = Block { ids: claimed.0.to_vec(), ..block(NODE, &[circle]) };
        let meta = plaintext(&[lie]);
        let listed = forge.object(ObjectKind::Meta, 2, 0, &meta);
        forge.fields.insert(10, array(&[array(&[uint(2), array(&[listed])])]));
        let record = forge.hostile_record();
        let plain = forge.record_object(record);
        forge.object(ObjectKind::Record, 2, 1, &plain);
    }),
    Case {
        restore: &[0],
        ..damage("a chunk in two places, one of them a lie", |forge| {
            let lie = Block { bytes: b"other content".to_vec(), ..block(CHUNK, &[EVIL.to_vec()]) };
            refers(forge, EVIL);
            forge.strike_with(&[plaintext(&[lie]), plaintext(&[block(CHUNK, &[EVIL.to_vec()])])]);
        })
    },
    damage("an index that names another object's blocks", |forge| {
        refers(forge, EVIL);
        forge.honest_run();
        let data = plaintext(&[block(CHUNK, &[b"something else".to_vec()])]);
        let listed = forge.object(ObjectKind::Data, 2, 0, &data);
        let lie =
            Block { stored: 13, plain: 13, lengths: vec![13], ..block(CHUNK, &[EVIL.to_vec()]) };
        indexed(forge, &listed, &array(&[lie.row()]));
    }),
    damage("an index that names bytes beyond the object", |forge| {
        refers(forge, EVIL);
        let data = plaintext(&[block(CHUNK, &[b"x".to_vec()])]);
        let listed = forge.object(ObjectKind::Data, 2, 0, &data);
        let far = Block {
            stored: 4 << 20,
            plain: 4 << 20,
            codec: 0,
            lengths: vec![4 << 20],
            ..block(CHUNK, &[EVIL.to_vec()])
        };
        let rows = vec![far.row(); 60];
        indexed(
            forge,
            &listed,
            &array(&[&rows[..], &[block(CHUNK, &[EVIL.to_vec()]).row()]].concat()),
        );
    }),
    Case {
        restore: &[0],
        ..damage("an index that is none, beside a record", |forge| {
            refers(forge, EVIL);
            forge.piece(INDEX, b"no index".to_vec());
            forge.strike_with(&[plaintext(&[block(CHUNK, &[EVIL.to_vec()])])]);
        })
    },
    Case {
        restore: &[0],
        ..damage("an index that claims 2^40 objects", |forge| {
            refers(forge, EVIL);
            forge.piece(INDEX, Forge::claim(4, 1 << 40));
            forge.strike_with(&[plaintext(&[block(CHUNK, &[EVIL.to_vec()])])]);
        })
    },
    Case {
        restore: &[3, 6],
        check: &[3, 6],
        ..damage("an index of an object that is not here", |forge| {
            refers(forge, EVIL);
            let listed = array(&[uint(0), uint(1), uint(5000), bytes(&[8; 16])]);
            indexed(forge, &listed, &array(&[block(CHUNK, &[EVIL.to_vec()]).row()]));
        })
    },
    legal("a hundred thousand pieces of nothing", |forge| {
        let nothing = Block {
            ids: vec![7; 32 * 100_000],
            lengths: vec![0; 100_000],
            ..block(CHUNK, &[Vec::new()])
        };
        refers(forge, EVIL);
        let honest = block(CHUNK, &[EVIL.to_vec()]);
        // They are no pieces of that id, and nobody asks for them.
        forge.strike_with(&[
            plaintext(&[honest]),
            plaintext(&[Block { ids: id(CHUNK, b"").0.repeat(100_000), ..nothing }]),
        ]);
    }),
];

/// An index that says this table of a data object that the record lists.
fn indexed(forge: &mut Forge, listed: &[u8], table: &[u8]) {
    // A listed object is [number, kind, length, hash]; in an index [device, run, number, length, hash, table].
    let hash = listed[listed.len() - 17..].to_vec();
    let length = listed[3..listed.len() - 17].to_vec();
    forge.piece(
        INDEX,
        array(&[array(&[bytes(&forge.device.0), uint(2), uint(0), length, hash, table.to_vec()])]),
    );
    forge.fields.insert(10, array(&[array(&[uint(2), array(&[listed.to_vec()])])]));
    let record = forge.hostile_record();
    let plain = forge.record_object(record);
    forge.object(ObjectKind::Record, 2, 1, &plain);
}

const TABLES: &[Case] = &[
    no_snapshot("a table that claims 2^32 blocks", |forge| {
        tabled(forge, |_| Forge::claim(4, 1 << 32))
    }),
    not_understood("a block of a kind from the future", |forge| row(forge, |block| block.kind = 9)),
    not_understood("a block of a codec from the future", |forge| {
        row(forge, |block| block.codec = 7)
    }),
    no_snapshot("a block of 4 GiB", |forge| row(forge, |block| block.plain = 1 << 32)),
    no_snapshot("a block of 2^64 bytes", |forge| row(forge, |block| block.stored = u64::MAX)),
    no_snapshot("half an id", |forge| row(forge, |block| block.ids.truncate(16))),
    no_snapshot("more ids than lengths", |forge| row(forge, |block| block.ids.extend([0; 32]))),
    no_snapshot("a piece that is longer than its block", |forge| {
        row(forge, |block| block.lengths = vec![block.plain + 1]);
    }),
    no_snapshot("lengths that exceed 32 bits", |forge| {
        row(forge, |block| block.lengths = vec![u64::MAX]);
    }),
    no_snapshot("blocks that end behind the object", |forge| {
        tabled(forge, |blocks| {
            let long = Block {
                codec: 1,
                stored: 1 << 20,
                plain: 1,
                ids: vec![0; 32],
                lengths: vec![1],
                ..blocks[0].clone()
            };
            array(&[blocks[0].row(), long.row()])
        });
    }),
    no_snapshot("a table with bytes after it", |forge| {
        tabled(forge, |blocks| [array(&[blocks[0].row()]), vec![0]].concat());
    }),
    no_snapshot("a table that is no table", |forge| tabled(forge, |_| b"noise".to_vec())),
    no_snapshot("an object without a footer", |forge| {
        forge.honest_run();
        forge.object(ObjectKind::Record, 2, 0, b"short");
    }),
    no_snapshot("an empty object", |forge| {
        forge.honest_run();
        forge.object(ObjectKind::Record, 2, 0, b"");
    }),
    no_snapshot("a table that is longer than its object", |forge| {
        forge.honest_run();
        forge.object(ObjectKind::Record, 2, 0, &[0, 0, 0, 0, 0xff, 0xff, 0x3f, 0]);
    }),
    no_snapshot("a table of 4 GiB", |forge| {
        forge.honest_run();
        forge.object(ObjectKind::Record, 2, 0, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    }),
    not_understood("an object of another version", |forge| {
        forge.honest_run();
        forge.object(ObjectKind::Record, 2, 0, &[0x80, 1, 0, 0, 0, 1, 0, 0, 0]);
    }),
    no_snapshot("half a million empty blocks", |forge| {
        let nothing = Block { codec: 0, ..block(CHUNK, &[]) }.row();
        tabled(forge, |_| array(&vec![nothing.clone(); 500_000]));
    }),
    no_snapshot("a record object without a record", |forge| tabled(forge, |_| array(&[]))),
];

#[test]
fn frames_become_no_longer_than_the_table_says() {
    trial(FRAMES);
}

#[test]
fn every_piece_proves_its_id() {
    trial(PLACES);
}

#[test]
fn tables_keep_their_bounds() {
    trial(TABLES);
}
