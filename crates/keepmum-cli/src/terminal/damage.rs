//! Damage as people can act on it: which stored files, which of their own files, what to do.
//!
//! A check finds the same damage once for each file of each snapshot. Here each file is named once,
//! and those that the latest snapshot still has come first.

use std::collections::{BTreeMap, BTreeSet};

use keepmum::ops::{Problem, ProblemKind};

use super::look::{Look, Tone};
use super::text;

/// So many names are shown of each kind, unless all are asked for.
const NAMED: usize = 3;
/// The end of what a check says of a copy of the key block.
const PUT_BACK: &str = "the next backup puts it back";
/// Digits of the id before a path.
const DIGITS: usize = 8;

/// The problems of one kind, sorted.
#[derive(Default)]
pub(crate) struct Affected<'a> {
    /// Stored files, and devices of which a record is gone, with what is wrong.
    stored: BTreeMap<&'a str, &'a str>,
    /// Copies that the next backup puts back, with what is wrong.
    copies: BTreeMap<&'a str, &'a str>,
    /// Files that a latest snapshot has.
    latest: BTreeSet<&'a str>,
    /// Files that only older snapshots have, with the snapshots.
    older: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Affected<'a> {
    /// The problems of this kind; `latest` are the ids of the latest snapshots.
    pub(crate) fn of(problems: &'a [Problem], kind: ProblemKind, latest: &[String]) -> Self {
        let mut affected = Self::default();
        for problem in problems.iter().filter(|problem| problem.kind == kind) {
            match in_snapshot(&problem.path) {
                None if problem.sentence.ends_with(PUT_BACK) => {
                    affected.copies.insert(&problem.path, &problem.sentence);
                }
                None => drop(affected.stored.insert(&problem.path, &problem.sentence)),
                Some((id, path)) if latest.iter().any(|one| one.starts_with(id)) => {
                    affected.latest.insert(path);
                }
                Some((id, path)) => {
                    affected.older.entry(path).or_default().insert(id);
                }
            }
        }
        affected.older.retain(|path, _| !affected.latest.contains(path));
        affected
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.copies.is_empty() && self.is_mendable()
    }

    /// Whether the next backup mends all of it.
    pub(crate) fn is_mendable(&self) -> bool {
        self.stored.is_empty() && self.latest.is_empty() && self.older.is_empty()
    }

    /// Says which; `all` names each.
    pub(crate) fn say(&self, all: bool, look: Look) -> String {
        let most = if all { usize::MAX } else { NAMED };
        let mut page = String::new();
        for (path, sentence) in &self.copies {
            let (first, rest) =
                sentence.split_at(sentence.chars().next().map_or(0, char::len_utf8));
            let said = format!("{}{rest}: {}", first.to_uppercase(), text::line(path));
            page.push_str(&look.hanging(&said, 2));
        }
        if !self.stored.is_empty() {
            let count = text::count(self.stored.len() as u64, "stored file is", "stored files are");
            let head = look.toned(Tone::Damage, &format!("{count} damaged, missing or unreadable"));
            let names = self.stored.iter().map(|(name, why)| match reason(why) {
                Some(reason) if !name.starts_with("device ") => {
                    format!("{} ({})", shorter(name, all), text::line(reason))
                }
                _ => shorter(name, all),
            });
            page.push_str(&list(&head, names, most, look));
        }
        if !self.latest.is_empty() {
            let count = text::count(self.latest.len() as u64, "file", "files");
            let head = format!("In the latest snapshot, {count} cannot be restored");
            page.push_str(&list(&head, self.latest.iter().map(|path| place(path)), most, look));
        }
        if !self.older.is_empty() {
            let count = text::count(self.older.len() as u64, "file", "files");
            let head = format!("Only in older snapshots, {count} cannot be restored");
            let names = self.older.iter().map(|(path, ids)| {
                let ids: Vec<_> = ids.iter().copied().collect();
                format!("{} ({})", place(path), ids.join(", "))
            });
            page.push_str(&list(&head, names, most, look));
        }
        page
    }

    /// Says of how many files why they cannot be restored now.
    pub(crate) fn say_why(&self, why: &str, all: bool, look: Look) -> String {
        let most = if all { usize::MAX } else { NAMED };
        let stored = self.stored.keys().map(|name| shorter(name, all));
        let own = self.latest.iter().chain(self.older.keys()).map(|path| text::line(path));
        let mut page = String::new();
        for (names, one, many) in [
            (stored.collect::<Vec<_>>(), "stored file is", "stored files are"),
            (own.collect(), "file is", "files are"),
        ] {
            if !names.is_empty() {
                let head = format!("{} {why}", text::count(names.len() as u64, one, many));
                page.push_str(&list(&head, names.into_iter(), most, look));
            }
        }
        page
    }

    /// Whether some names were left out.
    pub(crate) fn is_cut(&self) -> bool {
        [self.stored.len(), self.latest.len(), self.older.len()].iter().any(|count| *count > NAMED)
    }

    /// What to do, in this order.
    pub(crate) fn steps(&self, check: &str, look: Look) -> String {
        let mut names = self.stored.keys().filter(|name| !name.contains(' '));
        let name = names.next().map(|name| shorter(name, false));
        let name = name.unwrap_or_else(|| "files that are gone".to_owned());
        let steps = [
            "`keepmum backup` stores again what is still on this disk.".to_owned(),
            format!(
                "Open the destination in your sync service (such as Dropbox, OneDrive or \
                 Nextcloud) and look for {name} in its version history and its deleted files. Bring \
                 back the last good version."
            ),
            format!(
                "Run `{check}`. What it still finds cannot be restored. This version cannot give up \
                 such files for good: `check` and `status` end with 6 as long as a snapshot has them."
            ),
        ];
        let mut page = String::from("\nWhat to do, in this order\n");
        for (number, step) in (1..).zip(steps) {
            page.push_str(&look.hanging(&format!("  {number}. {step}"), 3));
        }
        page
    }
}

/// The id and the path of a problem in a snapshot.
fn in_snapshot(path: &str) -> Option<(&str, &str)> {
    let (id, path) = path.split_once(':')?;
    let is_id = id.len() == DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && path.starts_with('/')).then_some((id, path))
}

/// Why a stored file cannot be read, where that is something else than damage.
fn reason(why: &str) -> Option<&str> {
    let why = why.trim_start_matches("this stored object is damaged: ");
    let is_damage =
        why.starts_with("the object is damaged") || why == "this stored object is damaged";
    (!is_damage).then_some(why)
}

/// Names of stored files are long, and their first letters tell them apart.
fn shorter(name: &str, all: bool) -> String {
    match (all, name.get(..10)) {
        (false, Some(first)) if name.len() > 40 && !name.contains(' ') => format!("{first}…"),
        // A record is in a stored file whose name nobody knows any more.
        _ if name.starts_with("device ") => format!("the record of a run of {}", text::line(name)),
        _ => text::line(name),
    }
}

/// A path in a snapshot; its root stands for all of it.
fn place(path: &str) -> String {
    if path == "/" { "/ (everything)".to_owned() } else { text::line(path) }
}

/// A head and names: on the same line where they are few, else one on each line.
fn list(head: &str, names: impl Iterator<Item = String>, most: usize, look: Look) -> String {
    let names: Vec<_> = names.collect();
    if most == usize::MAX {
        let mut page = look.wrap(&format!("{head}:"));
        names.iter().for_each(|name| page.push_str(&format!("  {name}\n")));
        return page;
    }
    let shown: Vec<_> = names.iter().take(most).map(String::as_str).collect();
    let more = match names.len().saturating_sub(most) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    look.hanging(&format!("{head}: {}{more}", shown.join(", ")), 2)
}

#[cfg(test)]
mod tests {
    use super::{Affected, Look, Problem, ProblemKind};
    use snapbox::{IntoData, assert_data_eq, str};

    fn problem(path: &str) -> Problem {
        let sentence = "the object is damaged: it was changed".to_owned();
        Problem { kind: ProblemKind::Damaged, path: path.to_owned(), sentence }
    }

    fn problems() -> Vec<Problem> {
        let mut problems = vec![problem(&"e6o52aafub".repeat(8))];
        for number in 0..32 {
            problems.push(problem(&format!("9a175983:/home/anna/letter-{number:02}.odt")));
            problems.push(problem(&format!("00000001:/home/anna/letter-{number:02}.odt")));
        }
        problems.push(problem("00000001:/home/anna/old.odt"));
        problems.push(problem("00000002:/home/anna/old.odt"));
        problems
    }

    #[test]
    fn each_file_is_named_once_and_the_latest_come_first() {
        let problems = problems();
        let latest = ["9a175983".to_owned() + &"0".repeat(24)];
        let affected = Affected::of(&problems, ProblemKind::Damaged, &latest);
        for width in 60..=200 {
            let look = Look::plain(width);
            let said = affected.say(false, look) + &affected.steps("keepmum check", look);
            for line in said.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
        let look = Look::plain(80);
        let said = affected.say(false, look) + &affected.steps("keepmum check --read-data", look);
        assert_data_eq!(
            said,
            str![[r#"
1 stored file is damaged, missing or unreadable: e6o52aafub…
In the latest snapshot, 32 files cannot be restored: /home/anna/letter-00.odt,
  /home/anna/letter-01.odt, /home/anna/letter-02.odt and 29 more
Only in older snapshots, 1 file cannot be restored: /home/anna/old.odt
  (00000001, 00000002)

What to do, in this order
  1. `keepmum backup` stores again what is still on this disk.
  2. Open the destination in your sync service (such as Dropbox, OneDrive or
     Nextcloud) and look for e6o52aafub… in its version history and its deleted
     files. Bring back the last good version.
  3. Run `keepmum check --read-data`. What it still finds cannot be restored.
     This version cannot give up such files for good: `check` and `status` end
     with 6 as long as a snapshot has them.

"#]]
            .raw()
        );
        assert!(affected.is_cut());
        assert_eq!(affected.say(true, look).lines().count(), 3 + 1 + 32 + 1);
        assert!(Affected::of(&problems, ProblemKind::Pending, &latest).is_empty());
    }
}
