//! CBOR with the rules of §1: writing is deterministic, reading is bounded.
//!
//! The reader never recurses deeper than [`DEPTH_MAX`], never allocates for a count that the
//! remaining bytes cannot hold, and ignores only items that rule 1.1 allows it to ignore: unknown
//! odd keys.

use std::collections::BTreeSet;
use std::convert::Infallible;

use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use super::error::FormatError;

/// Deepest nesting of arrays, maps and tags.
pub(super) const DEPTH_MAX: u8 = 16;

type Result<T> = std::result::Result<T, FormatError>;

/// Writes items one after another; always the shortest form.
pub(super) struct Writer<'a>(Encoder<&'a mut Vec<u8>>);

fn written<T>(result: std::result::Result<T, minicbor::encode::Error<Infallible>>) {
    assert!(result.is_ok(), "a growing buffer takes every write");
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self(Encoder::new(out))
    }

    pub(super) fn uint(&mut self, value: u64) {
        written(self.0.u64(value));
    }

    pub(super) fn int(&mut self, value: i64) {
        written(self.0.i64(value));
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        written(self.0.bytes(value));
    }

    /// The head of a byte string whose bytes follow through [`Writer::raw`].
    pub(super) fn bytes_head(&mut self, length: usize) {
        written(self.0.bytes_len(length as u64));
    }

    /// Bytes as they are: encoded items, or the inside of a byte string.
    pub(super) fn raw(&mut self, encoded: &[u8]) {
        self.0.writer_mut().extend_from_slice(encoded);
    }

    pub(super) fn text(&mut self, value: &str) {
        written(self.0.str(value));
    }

    pub(super) fn array(&mut self, length: usize) {
        written(self.0.array(length as u64));
    }

    pub(super) fn map(&mut self, length: usize) {
        written(self.0.map(length as u64));
    }
}

/// Reads items one after another.
pub(super) struct Reader<'b> {
    decoder: Decoder<'b>,
    depth: u8,
}

fn wrong(what: &'static str) -> impl Fn(Error) -> FormatError {
    move |error| match error.is_end_of_input() {
        true => FormatError::Truncated,
        false => FormatError::Cbor(what),
    }
}

impl<'b> Reader<'b> {
    /// Reads one item that is all of `bytes`, which are at most `bound`.
    pub(super) fn whole<T>(
        bytes: &'b [u8],
        what: &'static str,
        bound: u64,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let length = bytes.len() as u64;
        if length > bound {
            return Err(FormatError::BadLength { what, value: length, bound });
        }
        let mut reader = Self::new(bytes);
        let value = match read(&mut reader) {
            Err(FormatError::Unknown { .. }) if !Self::is_one_item(bytes) => {
                return Err(FormatError::Cbor(what));
            }
            read => read?,
        };
        match reader.remaining() {
            0 => Ok(value),
            rest => Err(FormatError::BadLength { what, value: length, bound: length - rest }),
        }
    }

    fn new(bytes: &'b [u8]) -> Self {
        Self { decoder: Decoder::new(bytes), depth: 0 }
    }

    /// Whether these bytes are one well-formed item. Other bytes have no meaning in any version.
    fn is_one_item(bytes: &'b [u8]) -> bool {
        let mut reader = Self::new(bytes);
        reader.skip("an item").is_ok() && reader.remaining() == 0
    }

    fn remaining(&self) -> u64 {
        self.decoder.input().len().saturating_sub(self.decoder.position()) as u64
    }

    pub(super) fn uint(&mut self, what: &'static str) -> Result<u64> {
        self.decoder.u64().map_err(wrong(what))
    }

    /// An unsigned integer of at most `bound`.
    pub(super) fn up_to(&mut self, what: &'static str, bound: u64) -> Result<u64> {
        let value = self.uint(what)?;
        if value > bound {
            return Err(FormatError::BadLength { what, value, bound });
        }
        Ok(value)
    }

    /// An unsigned integer that fits a narrower type.
    pub(super) fn narrow<T: TryFrom<u64>>(&mut self, what: &'static str) -> Result<T> {
        T::try_from(self.uint(what)?).map_err(|_| FormatError::BadValue { what })
    }

    pub(super) fn int(&mut self, what: &'static str) -> Result<i64> {
        self.decoder.i64().map_err(wrong(what))
    }

    pub(super) fn bytes(&mut self, what: &'static str) -> Result<&'b [u8]> {
        self.decoder.bytes().map_err(wrong(what))
    }

    /// A byte string of at most `bound` bytes.
    pub(super) fn bytes_up_to(&mut self, what: &'static str, bound: usize) -> Result<&'b [u8]> {
        let bytes = self.bytes(what)?;
        if bytes.len() > bound {
            let (value, bound) = (bytes.len() as u64, bound as u64);
            return Err(FormatError::BadLength { what, value, bound });
        }
        Ok(bytes)
    }

    /// A byte string of exactly `N` bytes.
    pub(super) fn fixed<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N]> {
        let bytes = self.bytes(what)?;
        let (value, bound) = (bytes.len() as u64, N as u64);
        bytes.try_into().map_err(|_| FormatError::BadLength { what, value, bound })
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'b str> {
        self.decoder.str().map_err(wrong(what))
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH_MAX {
            let (value, bound) = (u64::from(DEPTH_MAX) + 1, u64::from(DEPTH_MAX));
            return Err(FormatError::BadLength { what: "nesting", value, bound });
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A count of items that take at least `least` bytes each; a count that the remaining bytes
    /// cannot hold is refused before anything is allocated for it.
    fn count(&self, what: &'static str, count: Option<u64>, least: u64) -> Result<u64> {
        let value = count.ok_or(FormatError::Cbor(what))?;
        let bound = self.remaining() / least;
        if value > bound {
            return Err(FormatError::BadLength { what, value, bound });
        }
        Ok(value)
    }

    /// An array of `least` to `most` elements; `read` gets their number and must read them all.
    pub(super) fn tuple<T>(
        &mut self,
        what: &'static str,
        least: u64,
        most: u64,
        read: impl FnOnce(&mut Self, u64) -> Result<T>,
    ) -> Result<T> {
        let count = self.decoder.array().map_err(wrong(what))?;
        let count = self.count(what, count, 1)?;
        if !(least..=most).contains(&count) {
            return Err(FormatError::BadLength { what, value: count, bound: most });
        }
        self.nested(|reader| read(reader, count))
    }

    /// An array of at least `least` elements, of which this version knows the first `known`; `read`
    /// gets the number of those and must read them all. Elements behind them are of a later version
    /// and skipped.
    pub(super) fn row<T>(
        &mut self,
        what: &'static str,
        least: u64,
        known: u64,
        read: impl FnOnce(&mut Self, u64) -> Result<T>,
    ) -> Result<T> {
        self.tuple(what, least, u64::MAX, |reader, count| {
            let value = read(reader, count.min(known))?;
            (known..count).try_for_each(|_| reader.skip(what))?;
            Ok(value)
        })
    }

    /// An array of like elements.
    pub(super) fn list<T>(
        &mut self,
        what: &'static str,
        read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.list_up_to(what, u64::MAX, read)
    }

    /// An array of at most `most` like elements: for those that are much larger in memory than
    /// in bytes.
    pub(super) fn list_up_to<T>(
        &mut self,
        what: &'static str,
        most: u64,
        mut read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.tuple(what, 0, most, |reader, count| {
            // It grows with the data really read: an element may be larger here than in bytes.
            let mut elements = Vec::new();
            for _ in 0..count {
                elements.push(read(reader)?);
            }
            Ok(elements)
        })
    }

    /// An array of at most `most` elements that are secret: memory is taken once, because growing
    /// would leave copies behind that nobody wipes.
    pub(super) fn secrets<T>(
        &mut self,
        what: &'static str,
        most: u16,
        mut read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.tuple(what, 1, most.into(), |reader, count| {
            let mut elements = Vec::with_capacity(count as usize);
            for _ in 0..count {
                elements.push(read(reader)?);
            }
            Ok(elements)
        })
    }

    /// A map. `known` reads the value of a key and returns `true`, or reads nothing and returns
    /// `false`; then an odd key is skipped and an even one refused (rule 1.1). If a map is
    /// malformed and also has something unknown in it, the latter is reported, because it may
    /// explain the former.
    pub(super) fn map(
        &mut self,
        what: &'static str,
        mut known: impl FnMut(&mut Self, u64) -> Result<bool>,
    ) -> Result<()> {
        let count = self.decoder.map().map_err(wrong(what))?;
        let count = self.count(what, count, 2)?;
        self.nested(|reader| {
            let mut seen = BTreeSet::new();
            let mut malformed = Ok(());
            for _ in 0..count {
                let key = reader.uint(what)?;
                let position = reader.decoder.position();
                let read = match seen.insert(key) {
                    true => reader.value(what, key, &mut known),
                    false => Err(FormatError::BadValue { what }),
                };
                let Err(error) = read else { continue };
                reader.decoder.set_position(position);
                if matches!(error, FormatError::Unknown { .. }) || reader.skip(what).is_err() {
                    return Err(error);
                }
                malformed = malformed.and(Err(error));
            }
            malformed
        })
    }

    fn value(
        &mut self,
        what: &'static str,
        key: u64,
        known: &mut impl FnMut(&mut Self, u64) -> Result<bool>,
    ) -> Result<()> {
        if known(self, key)? {
            return Ok(());
        }
        if key.is_multiple_of(2) {
            return Err(FormatError::Unknown { what, value: key });
        }
        self.skip(what)
    }

    /// Reads an item that may be refused alone: none if it holds something critical and unknown,
    /// and then the next item is read as if nothing had been.
    pub(super) fn refusable<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        let position = self.decoder.position();
        match read(self) {
            Err(FormatError::Unknown { .. }) => {
                self.decoder.set_position(position);
                self.skip(what).map(|()| None)
            }
            result => result.map(Some),
        }
    }

    /// One well-formed item as it stands.
    pub(super) fn item(&mut self, what: &'static str) -> Result<&'b [u8]> {
        let start = self.decoder.position();
        self.skip(what)?;
        Ok(&self.decoder.input()[start..self.decoder.position()])
    }

    /// Reads an item that costs nothing but itself, whatever is wrong with it, as long as it can be
    /// passed over.
    pub(super) fn by_itself<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Result<T>> {
        let position = self.decoder.position();
        let read = read(self);
        if read.is_err() {
            self.decoder.set_position(position);
            self.skip(what)?;
        }
        Ok(read)
    }

    /// Passes over one well-formed item.
    pub(super) fn skip(&mut self, what: &'static str) -> Result<()> {
        let beneath = match self.decoder.datatype().map_err(wrong(what))? {
            Type::Array => {
                let count = self.decoder.array().map_err(wrong(what))?;
                self.count(what, count, 1)?
            }
            Type::Map => {
                let count = self.decoder.map().map_err(wrong(what))?;
                2 * self.count(what, count, 2)?
            }
            Type::Tag => self.decoder.tag().map(|_| 1).map_err(wrong(what))?,
            Type::ArrayIndef | Type::MapIndef | Type::BytesIndef | Type::StringIndef => {
                return Err(FormatError::Cbor(what));
            }
            Type::Break | Type::Unknown(_) => return Err(FormatError::Cbor(what)),
            _ => return self.decoder.skip().map_err(wrong(what)),
        };
        self.nested(|reader| (0..beneath).try_for_each(|_| reader.skip(what)))
    }
}
