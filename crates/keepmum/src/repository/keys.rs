//! The unlocked keys of all repositories of a keyring, and the choice of the key for each object.

use zeroize::Zeroizing;

use crate::crypto::{self, EpochKey, NAME_SEALED, RepositoryKeys, Secret};
use crate::format::{self, Epoch, Keyring, ObjectName, Parameters, PieceKind};
use crate::model::{ChunkId, RepositoryId};

/// In the place of a kind: bytes hashed in this way are not a piece.
const NO_PIECE: u8 = u8::MAX;

/// The keys of one repository.
pub struct RepositoryAccess {
    /// Its id in the keyring.
    pub id: RepositoryId,
    /// How it chunks and pads.
    pub parameters: Parameters,
    keys: RepositoryKeys,
    epochs: Vec<(u16, EpochKey)>,
}

impl RepositoryAccess {
    /// Keyed id of a piece of this kind.
    pub fn piece_id(&self, kind: PieceKind, bytes: &[u8]) -> ChunkId {
        ChunkId(self.keys.piece_id(kind as u8, bytes))
    }

    /// A keyed hash of bytes that are not a piece, for this machine alone.
    pub fn likeness(&self, bytes: &[u8]) -> [u8; 32] {
        self.keys.piece_id(NO_PIECE, bytes)
    }

    /// The key of chunk boundaries.
    pub fn chunker_key(&self) -> &[u8; 32] {
        self.keys.chunker()
    }

    /// A keyed hash by which an installation recognises itself.
    pub fn token(&self, label: &str, bytes: &[u8]) -> [u8; 16] {
        self.keys.token(label, bytes)
    }

    /// The name of an object as a file name.
    pub fn seal_name(&self, name: &ObjectName) -> String {
        format::base32::encode(&crypto::seal_name(&self.keys, &name.to_fields()))
    }

    /// The epoch that writers use, with the input key of its objects: the first.
    pub fn writing_epoch(&self) -> (u16, &Secret<32>) {
        let first = self.epochs.first();
        let (number, key) = first.expect("a repository without epochs is not derived");
        (*number, key.object())
    }

    /// The input keys that objects of an epoch may have: more than one where keys were changed on
    /// two devices at once.
    pub fn object_keys(&self, epoch: u16) -> impl Iterator<Item = &Secret<32>> {
        self.epochs.iter().filter(move |(number, _)| *number == epoch).map(|(_, key)| key.object())
    }
}

/// All keys that the password opened.
pub struct Keys {
    repositories: Vec<RepositoryAccess>,
}

impl Keys {
    /// Derives everything from a keyring; nothing if it cannot open a writer's output.
    pub fn derive(keyring: &Keyring) -> Option<Self> {
        keyring.repositories.first()?.epochs.first()?.secret.as_ref()?;
        let key =
            |epoch: &Epoch| Some((epoch.number, EpochKey::derive(&secret(epoch.secret.as_ref()?))));
        let all = keyring.repositories.iter().map(|repository| RepositoryAccess {
            id: repository.id,
            parameters: repository.parameters.clone(),
            keys: RepositoryKeys::derive(&secret(&repository.secret)),
            epochs: repository.epochs.iter().filter_map(key).collect(),
        });
        Some(Self { repositories: all.collect() })
    }

    /// The repository that writers write to.
    pub fn writing(&self) -> &RepositoryAccess {
        &self.repositories[0]
    }

    /// One of the repositories by its place in the keyring.
    pub fn repository(&self, place: usize) -> Option<&RepositoryAccess> {
        self.repositories.get(place)
    }

    /// All of them.
    pub fn repositories(&self) -> &[RepositoryAccess] {
        &self.repositories
    }

    /// The fields of a name, and its repository; nothing for a foreign name.
    pub fn open_name(&self, sealed: &[u8; NAME_SEALED]) -> Option<(usize, ObjectName)> {
        self.repositories.iter().enumerate().find_map(|(place, repository)| {
            let fields = crypto::open_name(&repository.keys, sealed)?;
            Some((place, ObjectName::from_fields(&fields)?))
        })
    }

    /// Whether objects of this epoch can be opened.
    pub fn knows_epoch(&self, repository: usize, epoch: u16) -> bool {
        self.repository(repository).is_some_and(|it| it.object_keys(epoch).next().is_some())
    }

    /// Whether bytes are the piece of this kind that an id says, under any of the repositories.
    pub fn proves(&self, kind: PieceKind, id: &ChunkId, bytes: &[u8]) -> bool {
        self.repositories.iter().any(|repository| repository.piece_id(kind, bytes) == *id)
    }
}

fn secret(bytes: &Zeroizing<[u8; 32]>) -> Secret<32> {
    Secret::from_slice(&bytes[..]).expect("as long as it must be")
}
