//! The keyring of a key block (§3): every secret, the slots that may open it, and the editions it
//! follows.

use zeroize::Zeroizing;

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::further::Further;
use super::key_block::{KEY_BLOCK_MAX, keyring_length, lengths};
pub use super::keyring_parts::{
    EPOCHS_MAX, Epoch, Family, KeyringRepository, Parameters, SlotId, SlotLine, unite,
};

/// The version of the format that this program reads: the highest least reader that it obeys.
pub const VERSION: u64 = 0;
/// Most repositories, and most families, of a keyring.
const LIST_MAX: u16 = 64;
/// Most former editions.
pub const FORMER_MAX: usize = 63;
/// The length that comes before the CBOR, in bytes.
const HEAD: usize = 2;

/// By this later editions say that they follow one.
pub type MarkKey = [u8; 16];

/// The contents of a key block.
#[derive(Clone)]
pub struct Keyring {
    /// From 1; each change makes a higher one.
    pub generation: u64,
    /// The repositories; writers use the first.
    pub repositories: Vec<KeyringRepository>,
    /// Who may open it.
    pub families: Vec<Family>,
    /// The editions it follows, the latest first.
    pub former: Vec<Former>,
    /// The generation in which a slot was last removed; 0 if never.
    pub last_removal: u64,
    /// Nothing is united into it.
    pub is_restricted: bool,
    /// Items added by a later version.
    pub further: Further,
}

/// An edition that this one follows.
#[derive(Clone)]
pub struct Former {
    /// Its generation; 0 for one that counts for nothing but its mark.
    pub generation: u64,
    /// Its mark key.
    pub mark_key: Zeroizing<MarkKey>,
}

impl Keyring {
    /// Length, CBOR, zeros: as many bytes as the shortest block holds that it fits, or
    /// [`FormatError::BadLength`].
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        // So much room that it never grows: growing would leave a copy of secrets behind.
        let room = self.room();
        let mut cbor = Zeroizing::new(Vec::with_capacity(room));
        self.write(&mut Writer::new(&mut cbor));
        debug_assert!(cbor.len() <= room);
        let bound = keyring_length(KEY_BLOCK_MAX) - HEAD;
        let fits = |length: &usize| cbor.len() + HEAD <= *length;
        let length = lengths().map(keyring_length).find(fits).ok_or(FormatError::BadLength {
            what: "a keyring",
            value: cbor.len() as u64,
            bound: bound as u64,
        })?;
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        out.extend_from_slice(&(cbor.len() as u16).to_le_bytes());
        out.extend_from_slice(&cbor);
        out.resize(length, 0);
        Ok(out)
    }

    /// The keyring in the plain bytes of a block. [`FormatError::Unknown`] where a later version
    /// made it.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let what = "a keyring";
        let (value, bound) = (bytes.len() as u64, keyring_length(KEY_BLOCK_MAX) as u64);
        let bad = FormatError::BadLength { what, value, bound };
        let (length, rest) = bytes.split_first_chunk::<HEAD>().ok_or(bad)?;
        if !lengths().any(|block| keyring_length(block) == bytes.len()) {
            return Err(bad);
        }
        let length = u16::from_le_bytes(*length);
        let (cbor, zeros) = rest.split_at_checked(length.into()).ok_or(bad)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(FormatError::BadValue { what });
        }
        match Reader::whole(cbor, what, bound, least_reader)? {
            least if least > VERSION => {
                Err(FormatError::Unknown { what: "a keyring for version", value: least })
            }
            _ => Reader::whole(cbor, what, bound, Self::read),
        }
    }

    /// Bytes that its CBOR takes at most.
    fn room(&self) -> usize {
        let repositories: usize = self.repositories.iter().map(KeyringRepository::room).sum();
        let families: usize = self.families.iter().map(Family::room).sum();
        80 + repositories + families + self.former.len() * 28 + self.further.room()
    }

    fn write(&self, out: &mut Writer<'_>) {
        let keys = [0, 2, 4, 6, 8, 10, 12];
        let keys = if self.is_restricted { &keys[..] } else { &keys[..6] };
        self.further.map(out, keys, |out, key| match key {
            0 => out.uint(VERSION),
            2 => out.uint(self.generation),
            4 => {
                out.array(self.repositories.len());
                self.repositories.iter().for_each(|repository| repository.write(out));
            }
            6 => {
                out.array(self.families.len());
                self.families.iter().for_each(|family| family.write(out));
            }
            8 => {
                out.array(self.former.len());
                for former in &self.former {
                    out.array(2);
                    out.uint(former.generation);
                    out.bytes(&*former.mark_key);
                }
            }
            10 => out.uint(self.last_removal),
            _ => out.uint(1),
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "a keyring";
        let (mut generation, mut repositories, mut families) = (None, None, None);
        let (mut former, mut last_removal, mut is_restricted) = (None, None, false);
        let mut further = Further::default();
        reader.map(what, |reader, key| {
            match key {
                0 => drop(reader.uint(what)?),
                2 => generation = Some(reader.uint("a generation")?),
                4 => {
                    let read = KeyringRepository::read;
                    repositories = Some(reader.secrets("repositories", LIST_MAX, read)?);
                }
                6 => {
                    let most = LIST_MAX.into();
                    families = Some(reader.list_up_to("families", most, Family::read)?);
                }
                8 => {
                    let most = FORMER_MAX as u64;
                    former = Some(reader.list_up_to("former editions", most, read_former)?);
                }
                10 => last_removal = Some(reader.uint("a generation")?),
                12 => match reader.uint(what)? {
                    1 => is_restricted = true,
                    value => return Err(FormatError::Unknown { what: "a restriction", value }),
                },
                _ => return further.keep(reader, key),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what: "a missing key of a keyring" };
        Ok(Self {
            generation: generation.filter(|generation| *generation > 0).ok_or(missing)?,
            repositories: repositories.ok_or(missing)?,
            families: families.ok_or(missing)?,
            former: former.ok_or(missing)?,
            last_removal: last_removal.ok_or(missing)?,
            is_restricted,
            further,
        })
    }
}

/// Key 0 alone, whatever else there is.
fn least_reader(reader: &mut Reader<'_>) -> Result<u64, FormatError> {
    let what = "a keyring";
    let mut least = None;
    reader.map(what, |reader, key| {
        match key {
            0 => least = Some(reader.uint(what)?),
            _ => reader.skip(what)?,
        }
        Ok(true)
    })?;
    least.ok_or(FormatError::BadValue { what: "a missing key of a keyring" })
}

fn read_former(reader: &mut Reader<'_>) -> Result<Former, FormatError> {
    let what = "a former edition";
    reader.tuple(what, 2, 2, |reader, _| {
        let generation = reader.uint(what)?;
        Ok(Former { generation, mark_key: Zeroizing::new(reader.fixed(what)?) })
    })
}
