//! What a backup tells while it goes: problems, changes, notices.

use std::io;

use crate::catalogue::Remembered;
use crate::model::{Attribute, Name, TreePath};
use crate::source::{Attributes, Source, Unread, Walk};

use super::Backup;
use super::entry::remembered_entry;
use crate::session::event::{ChangeKind, Event, Observer};
use crate::session::report::{Problem, ProblemKind};

/// Most bytes that the attributes of one entry take. With the rest of the entry they must fit into
/// a node of a tree.
const ATTRIBUTES: usize = 3 << 20;
/// What one attribute takes beside its name and value.
const FRAME: usize = 32;

impl Backup<'_, '_, '_> {
    /// Takes over what the walk could not look at, and what it left out.
    pub(super) fn take_notes(&mut self, walk: &mut Walk) {
        for error in walk.take_problems() {
            self.unseen.insert(error.path.clone());
            self.source_problem(&error);
        }
        self.report.excluded = walk.excluded().total();
        for left_out in walk.take_excluded() {
            self.left_out.excluded(&left_out);
            if !self.set.options.rules.record_excluded {
                continue;
            }
            self.set.observer.event(Event::Change {
                kind: ChangeKind::Excluded,
                path: left_out.path,
                reason: left_out.why.to_string(),
            });
        }
    }

    /// Forgets what could not be looked at in a directory that is left: nobody asks for it again.
    pub(super) fn forget_unseen(&mut self, left: &TreePath) {
        let first = left.join(&Name::new(&[1]).expect("it is a name"));
        while let Some(path) = self.unseen.range(first.clone()..).next()
            && path.is_within(left)
        {
            let path = path.clone();
            self.unseen.remove(&path);
        }
    }

    pub(super) fn problem(&mut self, kind: ProblemKind, path: &TreePath, sentence: String) {
        self.left_out.unread(path);
        self.problems += 1;
        let path = format!("/{}", String::from_utf8_lossy(path.as_bytes()));
        let problem = Problem { kind, path, sentence };
        self.set.observer.event(Event::Problem(problem.clone()));
        problem.note_in(&mut self.report.problems);
    }

    pub(super) fn change(&self, kind: ChangeKind, path: &TreePath) {
        if self.set.options.list_changes {
            let event = Event::Change { kind, path: path.clone(), reason: String::new() };
            self.set.observer.event(event);
        }
    }

    /// The attributes of an entry, and whether they are all that it has. Where some cannot be read,
    /// those of the backup before stay. Those that do not fit into an entry are taken out, the
    /// largest first.
    pub(super) fn fit_attributes(
        &mut self,
        path: &TreePath,
        found: Attributes,
        old: Option<&Remembered>,
    ) -> (Vec<Attribute>, bool) {
        let mut attributes = found.read;
        let all_read = found.unread.is_none();
        if let Some(unread) = found.unread {
            let before = old.and_then(remembered_entry);
            let before = before.map(|entry| entry.metadata.attributes).unwrap_or_default();
            let stayed = add_earlier(&mut attributes, before, &unread);
            let stayed = if stayed { "; those of the backup before stay" } else { "" };
            let sentence = format!("{}{stayed}", unread_sentence(&unread));
            self.problem(ProblemKind::NotWhole, path, sentence);
        }
        let left_out = fit(&mut attributes, ATTRIBUTES);
        let Some((name, length)) = left_out.first() else { return (attributes, all_read) };
        let which = match left_out.len() {
            1 => "an attribute is".to_owned(),
            many => format!("{many} attributes are"),
        };
        let name = String::from_utf8_lossy(name);
        let sentence =
            format!("{which} too large and not saved, the largest {name} with {length} bytes");
        self.problem(ProblemKind::NotWhole, path, sentence);
        (attributes, false)
    }
}

/// Adds the earlier attributes that could not be read now; whether there were any.
fn add_earlier(attributes: &mut Vec<Attribute>, before: Vec<Attribute>, unread: &Unread) -> bool {
    let known = attributes.len();
    let is_unread = |one: &Attribute| match &unread.names {
        Some(names) => names.contains(&one.name),
        None => true,
    };
    attributes.extend(before.into_iter().filter(is_unread));
    attributes.sort_unstable();
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

/// Takes out the largest attributes until the rest fits; names and lengths of those.
fn fit(attributes: &mut Vec<Attribute>, most: usize) -> Vec<(Box<[u8]>, usize)> {
    let length = |one: &Attribute| one.name.len() + one.value.len() + FRAME;
    let mut total: usize = attributes.iter().map(length).sum();
    let mut left_out = Vec::new();
    if total <= most {
        return left_out;
    }
    attributes.sort_by_key(|one| std::cmp::Reverse(length(one)));
    let mut kept = Vec::new();
    for attribute in attributes.drain(..) {
        if total > most {
            total -= length(&attribute);
            left_out.push((attribute.name, attribute.value.len()));
        } else {
            kept.push(attribute);
        }
    }
    kept.sort_unstable();
    *attributes = kept;
    left_out
}

/// A pattern that can match nothing is a slip that would show only when space runs out, or a secret
/// turns up.
pub(super) fn tell_useless_patterns(source: &Source, observer: &dyn Observer) {
    for (pattern, reason) in source.useless_patterns() {
        let sentence = format!("The pattern \"{pattern}\" can match nothing: {reason}.");
        observer.event(Event::Notice(sentence));
    }
}

#[cfg(test)]
mod tests {
    use super::fit;
    use crate::model::Attribute;

    #[test]
    fn the_largest_attributes_go_first_and_the_rest_stays_in_order() {
        let attribute = |name: &str, length: usize| Attribute {
            namespace: "xattr".into(),
            name: name.as_bytes().into(),
            value: vec![0; length].into(),
        };
        let sizes = [("b", 100), ("c", 5000), ("a", 3000), ("d", 4000)];
        let mut attributes: Vec<_> = sizes.iter().map(|(n, l)| attribute(n, *l)).collect();
        let left_out = fit(&mut attributes, 3200);
        let named: Vec<_> = left_out.iter().map(|(name, length)| (&name[..], *length)).collect();
        assert_eq!(named, [(&b"c"[..], 5000), (b"d", 4000)]);
        assert_eq!(attributes, [attribute("a", 3000), attribute("b", 100)]);
        assert!(fit(&mut attributes, 3200).is_empty());
    }
}
