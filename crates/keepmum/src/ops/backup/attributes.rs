//! Attributes of entries: those in the entry, and those stored separately.
//!
//! Large values are read and stored one at a time. So no thing takes more memory than its small
//! attributes and one large one, whatever its file system keeps for it.

use std::cmp::Reverse;
use std::io;

use crate::catalogue::Remembered;
use crate::format::PieceKind;
use crate::model::{Attribute, Content, FoundKind, Piece, Pieces, TreePath, Value};
use crate::source::{Attributes, LARGE, Unread, XATTR};

use super::Backup;
use super::entry::remembered_entry;
use crate::session::error::Error;
use crate::session::report::ProblemKind;

/// Values that stand in an entry take so many bytes together, names and all, as far as they can.
const INLINE: usize = 64 << 10;
/// A value up to this length always stands in the entry: an id is not shorter.
const SHORT: usize = 64;
/// The bytes that an attribute takes beside its name and value.
const FRAME: usize = 32;
/// Most bytes of the values of one entry: a reader may hold them all at once.
const ALL: usize = 16 << 20;

impl Backup<'_, '_, '_> {
    /// The attributes of an entry, and whether they are all that it has. Where some cannot be read,
    /// those of the backup before stay.
    pub(super) fn fit_attributes(
        &mut self,
        path: &TreePath,
        kind: FoundKind,
        found: Attributes,
        old: Option<&Remembered>,
    ) -> Result<(Vec<Attribute>, bool), Error> {
        let Attributes { read: mut attributes, later, mut unread } = found;
        let mut total: usize = attributes.iter().map(length).sum();
        let mut left_out = Vec::new();
        for name in later {
            match self.set.source.attribute(path, kind, &name) {
                Ok(None) => {}
                Ok(Some(value)) if total + value.len() > ALL => left_out.push((name, value.len())),
                Ok(Some(value)) => {
                    total += value.len();
                    let value = match value.len() > LARGE {
                        true => Value::Stored(self.store_value(&value)?),
                        false => Value::Inline(value.into()),
                    };
                    attributes.push(Attribute { namespace: XATTR.into(), name, value });
                }
                Err(error) => {
                    let first = || Unread { names: Some(Vec::new()), error: error.source };
                    unread.get_or_insert_with(first).names.get_or_insert_default().push(name);
                }
            }
        }
        let is_whole = unread.is_none() && left_out.is_empty();
        if let Some(unread) = unread {
            let before = old.and_then(remembered_entry);
            let before = before.map(|entry| entry.metadata.attributes).unwrap_or_default();
            let stayed = add_earlier(&mut attributes, before, &unread);
            let stayed = if stayed { "; those of the backup before stay" } else { "" };
            let sentence = format!("{}{stayed}", unread_sentence(&unread));
            self.problem(ProblemKind::NotWhole, path, sentence);
        }
        if let Some(sentence) = left_out_sentence(&left_out) {
            self.problem(ProblemKind::NotWhole, path, sentence);
        }
        Ok((self.place_values(attributes)?, is_whole))
    }

    /// Stores values separately that are not to be part of the entry: large ones, and if the others
    /// take too much together, the longest of them. In a dry run it only computes their ids.
    pub(super) fn place_values(
        &mut self,
        mut attributes: Vec<Attribute>,
    ) -> Result<Vec<Attribute>, Error> {
        attributes.sort_by(|a, b| a.key().cmp(&b.key()));
        let inline = |one: &Attribute| one.value().map_or(0, |_| one.name.len() + FRAME);
        let mut here: usize = attributes.iter().map(|one| inline(one) + length(one)).sum();
        let mut longest: Vec<_> = attributes.iter_mut().filter(|one| length(one) > SHORT).collect();
        longest.sort_by_key(|one| Reverse(length(one)));
        for attribute in longest {
            let taken = inline(attribute) + length(attribute);
            let Some(value) = attribute.value() else { continue };
            if value.len() <= LARGE && here <= INLINE {
                break;
            }
            attribute.value = Value::Stored(self.store_value(value)?);
            here -= taken;
        }
        Ok(attributes)
    }

    /// A value is one chunk, like a small file.
    fn store_value(&mut self, value: &[u8]) -> Result<Content, Error> {
        let id = self.set.repository().piece_id(PieceKind::Chunk, value);
        self.run.store_piece(PieceKind::Chunk, id, value)?;
        self.run.end_of_file()?;
        let length = value.len() as u64;
        let pieces = Pieces::Inline(vec![Piece::Chunk { length, id }]);
        Ok(Content { size: length, pieces })
    }
}

/// How long a value that stands in the entry is.
fn length(attribute: &Attribute) -> usize {
    attribute.value().map_or(0, <[u8]>::len)
}

/// Adds the earlier attributes that could not be read now; whether there were any.
fn add_earlier(attributes: &mut Vec<Attribute>, before: Vec<Attribute>, unread: &Unread) -> bool {
    let known = attributes.len();
    let is_unread = |one: &Attribute| match &unread.names {
        Some(names) => names.contains(&one.name),
        None => true,
    };
    attributes.extend(before.into_iter().filter(is_unread));
    attributes.len() > known
}

fn unread_sentence(unread: &Unread) -> String {
    let error = &unread.error;
    match unread.names.as_deref() {
        None if error.kind() == io::ErrorKind::ArgumentListTooLong => {
            "its attributes cannot be read: their names take more than the 64 KiB that the system \
             gives of them"
                .to_owned()
        }
        None | Some([]) => format!("its attributes cannot be read: {error}"),
        Some([name]) => {
            format!("attribute {} cannot be read: {error}", String::from_utf8_lossy(name))
        }
        Some([name, more @ ..]) => {
            let (name, more) = (String::from_utf8_lossy(name), more.len());
            format!("attribute {name} and {more} more cannot be read: {error}")
        }
    }
}

fn left_out_sentence(left_out: &[(Box<[u8]>, usize)]) -> Option<String> {
    let (name, length) = left_out.first()?;
    let (name, most) = (String::from_utf8_lossy(name), ALL >> 20);
    let which = match left_out.len() {
        1 => format!("attribute {name} with {length} bytes is"),
        many => format!("{many} attributes are"),
    };
    Some(format!("{which} not saved: together its attributes take more than {most} MiB"))
}
