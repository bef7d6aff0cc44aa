//! Values of attributes that are stored separately: fetched to restore or compare them, as far as
//! this system accepts them.

use crate::format::PieceKind;
use crate::model::{Attribute, Content, Metadata, Piece, Pieces, TreePath, Value};
use crate::repository::{PieceReader, RepositoryError};

use super::error::Error;
use super::report::{Problem, ProblemKind, SnapshotState};
use super::walk_error::problem_of;

/// Linux takes no longer value.
const ONE: u64 = 64 << 10;
/// The values of one entry are had all at once, so they have a bound.
const ALL: u64 = 16 << 20;

/// Fetches the values of an entry in a snapshot of this state. A value that cannot be read stays as
/// it is, and is reported: nobody may take it for gone.
pub(crate) fn fetch_values(
    contents: &mut PieceReader<'_>,
    (path, metadata): (&TreePath, &mut Metadata),
    state: &SnapshotState,
) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    if metadata.stored().next().is_none() {
        return Ok(problems);
    }
    let (mut left, mut too_large, mut unread) = (ALL, Named::default(), Named::default());
    let mut first_error = None;
    for attribute in &mut metadata.attributes {
        let Some(content) = attribute.stored() else { continue };
        if content.size > ONE || content.size > left {
            too_large.add(attribute);
            continue;
        }
        left -= content.size;
        match value(contents, content) {
            Ok(value) => attribute.value = Value::Inline(value.into()),
            Err(error) => {
                unread.add(attribute);
                first_error.get_or_insert(error);
            }
        }
    }
    if let Some(names) = too_large.text() {
        problems.push(Problem::at(
            ProblemKind::Metadata,
            path,
            format!("{names} larger than this system takes"),
        ));
    }
    if let (Some(names), Some(error)) = (unread.text(), first_error) {
        let problem = problem_of(path, error, state)?;
        let sentence = format!("{names} not readable: {}", problem.sentence);
        problems.push(Problem { sentence, ..problem });
    }
    Ok(problems)
}

/// The bytes of a value, proved.
fn value(contents: &mut PieceReader<'_>, content: &Content) -> Result<Vec<u8>, RepositoryError> {
    let wrong = |object: String| RepositoryError::Damaged {
        object,
        what: "it has another length than the entry says".to_owned(),
    };
    let Pieces::Inline(pieces) = &content.pieces else {
        return Err(wrong("the value of an attribute".to_owned()));
    };
    let mut bytes = Vec::new();
    for piece in pieces {
        let length = usize::try_from(piece.length()).unwrap_or(usize::MAX);
        match piece {
            Piece::Chunk { id, .. } => {
                let chunk = contents.piece(PieceKind::Chunk, id)?;
                if chunk.len() != length {
                    return Err(wrong(format!("chunk {id}")));
                }
                bytes.extend(chunk);
            }
            Piece::Hole { .. } => bytes.resize(bytes.len().saturating_add(length), 0),
        }
    }
    Ok(bytes)
}

/// The first of some attributes, and how many more there are.
#[derive(Default)]
struct Named(Option<(String, u64)>);

impl Named {
    fn add(&mut self, attribute: &Attribute) {
        let name = || String::from_utf8_lossy(&attribute.name).into_owned();
        self.0.get_or_insert_with(|| (name(), 0)).1 += 1;
    }

    fn text(self) -> Option<String> {
        self.0.map(|(name, count)| match count {
            1 => format!("attribute {name} is"),
            many => format!("attribute {name} and {} more are", many - 1),
        })
    }
}
