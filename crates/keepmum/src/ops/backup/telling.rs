//! What a backup tells while it goes: problems, changes, notices.

use crate::model::{Attribute, Name, TreePath};
use crate::source::{Source, Walk};

use super::Backup;
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

    /// Takes out the attributes that do not fit into an entry, the largest first; whether all fit.
    pub(super) fn fit_attributes(
        &mut self,
        path: &TreePath,
        attributes: &mut Vec<Attribute>,
    ) -> bool {
        let left_out = fit(attributes, ATTRIBUTES);
        let Some((name, length)) = left_out.first() else { return true };
        let which = match left_out.len() {
            1 => "an attribute is".to_owned(),
            many => format!("{many} attributes are"),
        };
        let name = String::from_utf8_lossy(name);
        let sentence =
            format!("{which} too large and not saved, the largest {name} with {length} bytes");
        self.problem(ProblemKind::NotWhole, path, sentence);
        false
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
