//! A writer that writes whatever it is told, under keys that are genuine.

mod strange;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;

use keepmum::inside::crypto::{Passphrase, Profile, SALT, ciphertext_hash, record_hash, seal};
use keepmum::inside::format::name::context;
use keepmum::inside::format::{Keyring, ObjectKind, ObjectName, PieceKind, footer};
use keepmum::inside::model::{ChunkId, DeviceId, RecordHash, SnapshotId};
use keepmum::inside::repository::{self, Candidate, Keys, Unlock};
use keepmum::inside::seam::SystemRandom;

use crate::binary::Place;
use crate::hostile::cbor::{array, bytes, int, map, text, uint};
use crate::prepared::{PASSWORD, ready};

/// The content of the one honest file.
pub(crate) const LETTER: &[u8] = b"Dear Anna,\nall is well.\n";
/// Where it is in every snapshot.
pub(crate) const GOOD: &str = "good/letter";

/// Kinds of pieces.
pub(crate) const CHUNK: u64 = 0;
pub(crate) const NODE: u64 = 1;
pub(crate) const LIST: u64 = 2;
pub(crate) const INDEX: u64 = 3;
pub(crate) const RECORD: u64 = 4;

/// A block as the table is to name it, and the bytes that are really there.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) kind: u64,
    pub(crate) codec: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stored: u64,
    pub(crate) plain: u64,
    pub(crate) ids: Vec<u8>,
    pub(crate) lengths: Vec<u64>,
    /// A seventh element of the row.
    pub(crate) on: Option<Vec<u8>>,
}

impl Block {
    pub(crate) fn row(&self) -> Vec<u8> {
        let lengths: Vec<_> = self.lengths.iter().map(|length| uint(*length)).collect();
        let numbers = [self.kind, self.codec, self.stored, self.plain].map(uint);
        let rest = [Some(bytes(&self.ids)), Some(array(&lengths)), self.on.clone()];
        array(&numbers.into_iter().chain(rest.into_iter().flatten()).collect::<Vec<_>>())
    }
}

/// The record of the hostile run, key by key.
pub(crate) type Fields = BTreeMap<u64, Vec<u8>>;

/// A repository under the hammer.
pub(crate) struct Forge {
    pub(crate) place: Place,
    pub(crate) device: DeviceId,
    /// Pieces that go into the record object of the hostile run, by kind.
    pieces: BTreeMap<u64, Vec<Vec<u8>>>,
    known: HashSet<(u64, ChunkId)>,
    /// Entries of `/` beside the honest folder, as bytes; they follow it.
    pub(crate) root: Vec<Vec<u8>>,
    /// The runs in `needs`.
    pub(crate) needs: Vec<u8>,
    /// Changes to the record before it is written.
    pub(crate) fields: Fields,
    /// Changes to the body of its backup item.
    pub(crate) body: Fields,
    /// The hash of the last record that was made of each run.
    hashes: RefCell<BTreeMap<u32, [u8; 32]>>,
    salts: u8,
    honest: Option<[u8; 32]>,
    struck: bool,
}

fn keyring() -> &'static Keyring {
    static KEYRING: std::sync::OnceLock<Keyring> = std::sync::OnceLock::new();
    KEYRING.get_or_init(|| {
        let place = ready("");
        let files = fs::read_dir(place.path("destination")).unwrap();
        let candidates = files.map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            Candidate { path: name.clone(), name, bytes: fs::read(path).unwrap() }
        });
        let passphrase = Passphrase::new(PASSWORD.to_owned());
        let unlock = Unlock {
            passphrase: &passphrase,
            profile: Profile::Standard,
            random: &SystemRandom,
            kept: Vec::new(),
            at_most: None,
            tell: &|_, _| {},
            is_all: &|_| false,
        };
        repository::open(candidates.collect(), unlock).unwrap().keyring
    })
}

/// The keys of every place that was made ready.
pub(crate) fn keys() -> Keys {
    Keys::derive(keyring()).unwrap()
}

pub(crate) fn id(kind: u64, bytes: &[u8]) -> ChunkId {
    static KEYS: std::sync::OnceLock<Keys> = std::sync::OnceLock::new();
    let keys = KEYS.get_or_init(keys).writing();
    let kind = u8::try_from(kind).ok().and_then(PieceKind::from_u8).unwrap_or(PieceKind::Chunk);
    keys.piece_id(kind, bytes)
}

/// A block with true fields.
pub(crate) fn block(kind: u64, pieces: &[Vec<u8>]) -> Block {
    let plain = pieces.concat();
    let length = plain.len() as u64;
    Block {
        kind,
        codec: 0,
        stored: length,
        plain: length,
        ids: pieces.iter().flat_map(|piece| id(kind, piece).0).collect(),
        lengths: pieces.iter().map(|piece| piece.len() as u64).collect(),
        bytes: plain,
        on: None,
    }
}

/// Blocks, table and footer, as an object has them.
pub(crate) fn plaintext(blocks: &[Block]) -> Vec<u8> {
    let rows: Vec<_> = blocks.iter().map(Block::row).collect();
    with_table(blocks, &array(&rows))
}

/// The same with a table of one's own.
pub(crate) fn with_table(blocks: &[Block], table: &[u8]) -> Vec<u8> {
    let bodies: Vec<u8> = blocks.iter().flat_map(|block| block.bytes.clone()).collect();
    [&bodies[..], table, &footer(u32::try_from(table.len()).unwrap())].concat()
}

/// An entry with the keys that every entry has; others replace them or stand beside them.
pub(crate) fn entry(name: &[u8], kind: u64, more: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut fields: Fields = [
        (0, bytes(name)),
        (2, uint(kind)),
        (12, uint(0o644)),
        (14, array(&[int(1_700_000_000), uint(0)])),
        (16, array(&[uint(0), uint(0)])),
    ]
    .into();
    fields.extend(more.iter().cloned());
    map(&fields.into_iter().collect::<Vec<_>>())
}

/// A directory whose node has this id.
pub(crate) fn directory(name: &[u8], node: &ChunkId) -> Vec<u8> {
    entry(name, 1, &[(6, bytes(&node.0)), (12, uint(0o755))])
}

/// A node with these entries.
pub(crate) fn node(entries: &[Vec<u8>]) -> Vec<u8> {
    array(&[uint(0), array(entries)])
}

impl Forge {
    pub(crate) fn new() -> Self {
        Self {
            place: ready(""),
            device: DeviceId(*b"stranger"),
            pieces: BTreeMap::new(),
            known: HashSet::new(),
            root: Vec::new(),
            needs: Vec::new(),
            fields: Fields::new(),
            body: Fields::new(),
            hashes: RefCell::default(),
            salts: 0,
            honest: None,
            struck: false,
        }
    }

    /// Adds a piece to the hostile run.
    pub(crate) fn piece(&mut self, kind: u64, bytes: Vec<u8>) -> ChunkId {
        let id = id(kind, &bytes);
        if self.known.insert((kind, id)) {
            self.pieces.entry(kind).or_default().push(bytes);
        }
        id
    }

    /// Adds a node with these entries.
    pub(crate) fn node(&mut self, entries: &[Vec<u8>]) -> ChunkId {
        self.piece(NODE, node(entries))
    }

    /// Adds a small file as an entry.
    pub(crate) fn file(&mut self, name: &[u8], content: &[u8]) -> Vec<u8> {
        let id = self.piece(CHUNK, content.to_vec());
        entry(name, 0, &[(4, array(&[uint(content.len() as u64), bytes(&id.0)]))])
    }

    /// Puts a folder `evil` with a node of these bytes beside the honest one.
    pub(crate) fn evil_node(&mut self, bytes: Vec<u8>) {
        let id = self.piece(NODE, bytes);
        self.root.push(directory(b"evil", &id));
    }

    /// Puts a folder `evil` with these entries beside the honest one.
    pub(crate) fn evil(&mut self, entries: &[Vec<u8>]) {
        self.evil_node(node(entries));
    }

    /// Seals and names an object, and answers with how a record lists it.
    pub(crate) fn object(
        &mut self,
        kind: ObjectKind,
        run: u32,
        number: u32,
        plain: &[u8],
    ) -> Vec<u8> {
        let keys = keys();
        let (epoch, key) = keys.writing().writing_epoch();
        self.salts += 1;
        self.struck |= matches!((run, kind), (2, ObjectKind::Record) | (3, ObjectKind::Meta));
        let context = context(epoch, kind, self.device, run, number);
        let sealed = seal(key, [self.salts; SALT], &context, plain);
        let name = ObjectName {
            epoch,
            kind,
            device: self.device,
            run,
            number,
            length: sealed.len() as u64,
            hash: ciphertext_hash(&sealed),
        };
        let file = keys.writing().seal_name(&name);
        fs::write(self.destination().join(file), &sealed).unwrap();
        let [number, kind, length] =
            [u64::from(number), kind.number().into(), name.length].map(uint);
        array(&[number, kind, length, bytes(&name.hash)])
    }

    pub(crate) fn destination(&self) -> std::path::PathBuf {
        self.place.path("destination")
    }

    /// The id of the snapshot of a run, as it is typed.
    pub(crate) fn snapshot(&self, run: u32) -> String {
        let hashes = self.hashes.borrow();
        let hash = hashes.get(&run).copied().unwrap_or_default();
        SnapshotId::from(RecordHash(hash)).to_string()
    }

    /// A range of runs as `needs` has it.
    pub(crate) fn range(&self, first: u32, last: u32) -> Vec<u8> {
        array(&[bytes(&self.device.0), uint(first.into()), uint(last.into())])
    }

    fn good(&mut self) -> Vec<u8> {
        let letter = self.file(b"letter", LETTER);
        let folder = self.node(&[letter]);
        directory(b"good", &folder)
    }

    /// Writes the honest run, once; answers with the hash of its record.
    pub(crate) fn honest_run(&mut self) -> [u8; 32] {
        if let Some(hash) = self.honest {
            return hash;
        }
        let (pieces, known) = (std::mem::take(&mut self.pieces), std::mem::take(&mut self.known));
        let good = self.good();
        let root = self.node(&[good]);
        let body = self.backup(1, &root, array(&[self.range(1, 1)]));
        let join = array(&[uint(1), map(&[(0, text("stranger")), (2, bytes(&[7; 16]))])]);
        let record = self.record(1, None, &[join, array(&[uint(3), body])]);
        let hash = record_hash(&record);
        let plain = self.record_object(record);
        self.object(ObjectKind::Record, 1, 0, &plain);
        (self.pieces, self.known) = (pieces, known);
        self.honest = Some(hash);
        hash
    }

    /// The record object of a run: all pieces that were added, and the record.
    pub(crate) fn record_object(&mut self, record: Vec<u8>) -> Vec<u8> {
        let mut blocks: Vec<Block> = Vec::new();
        for (kind, pieces) in std::mem::take(&mut self.pieces) {
            // A block has at most 4 MiB.
            let mut rest = &pieces[..];
            while !rest.is_empty() {
                let mut length = 0;
                let fits = rest.iter().take_while(|piece| {
                    length += piece.len();
                    length <= 4 << 20
                });
                let count = fits.count().max(1);
                blocks.push(block(kind, &rest[..count]));
                rest = &rest[count..];
            }
        }
        blocks.push(block(RECORD, &[record]));
        plaintext(&blocks)
    }

    /// The body of a backup item.
    pub(crate) fn backup(&self, files: u64, root: &ChunkId, needs: Vec<u8>) -> Vec<u8> {
        let mut body: Fields = [
            (0, bytes(&root.0)),
            (1, map(&[(0, uint(files)), (1, uint(2))])),
            (4, array(&[text("source"), array(&[bytes(b"/good")])])),
            (6, needs),
            (8, uint(0)),
        ]
        .into();
        if self.honest.is_some() {
            body.extend(self.body.clone());
        }
        map(&body.into_iter().collect::<Vec<_>>())
    }

    /// A record with these items; `fields` of the forge change it if it is not the honest one.
    pub(crate) fn record(
        &self,
        run: u32,
        previous: Option<(u32, [u8; 32])>,
        items: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut fields: Fields = [
            (0, bytes(&self.device.0)),
            (2, uint(run.into())),
            (6, array(&[])),
            (8, array(&[int(1_700_000_000 + i64::from(run)), uint(0), int(0)])),
            (10, array(&[])),
            (12, array(items)),
        ]
        .into();
        if let Some((run, hash)) = previous {
            fields.insert(4, array(&[uint(run.into()), bytes(&hash)]));
        }
        if self.honest.is_some() {
            fields.extend(self.fields.clone());
        }
        let record = map(&fields.into_iter().collect::<Vec<_>>());
        self.hashes.borrow_mut().insert(run, record_hash(&record));
        record
    }

    /// The record of the hostile run: `/` with the honest folder and the things put beside it.
    pub(crate) fn hostile_record(&mut self) -> Vec<u8> {
        let hash = self.honest_run();
        let good = self.good();
        let entries = [&self.root[..], &[good]].concat();
        let root = self.node(&entries);
        let needs = match self.needs.is_empty() {
            true => array(&[self.range(1, 2)]),
            false => self.needs.clone(),
        };
        let body = self.backup(1, &root, needs);
        self.record(2, Some((1, hash)), &[array(&[uint(3), body])])
    }

    /// Writes the hostile run as one object, unless the case has written it in its own way.
    pub(crate) fn strike_once(&mut self) {
        if !self.struck {
            self.strike();
        }
    }

    /// Writes the hostile run as one object.
    pub(crate) fn strike(&mut self) {
        let record = self.hostile_record();
        let plain = self.record_object(record);
        self.object(ObjectKind::Record, 2, 0, &plain);
    }

    /// Writes the hostile run with data objects of its own, listed in its record.
    pub(crate) fn strike_with(&mut self, data: &[Vec<u8>]) {
        self.honest_run();
        let listed: Vec<_> = (0u32..)
            .zip(data)
            .map(|(number, plain)| self.object(ObjectKind::Data, 2, number, plain))
            .collect();
        self.fields.insert(10, array(&[array(&[uint(2), array(&listed)])]));
        let record = self.hostile_record();
        let plain = self.record_object(record);
        self.object(ObjectKind::Record, 2, u32::try_from(data.len()).unwrap(), &plain);
    }
}
