//! Commands and options of other tools (restic, Borg, rustic, rclone and others), each with the
//! answer of keepmum.
//!
//! A word counts as foreign only after it turned out to be none of ours, so that a command that is
//! added later is never hidden. `doc/coming-from.md` tells the same in more words.

mod commands;
mod options;

use commands::COMMANDS;
use options::OPTIONS;

/// Words of another tool that somebody may type here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign {
    /// The words, all with the same answer.
    pub(crate) words: &'static [&'static str],
    /// The way of keepmum; a clause without a full stop.
    pub(crate) answer: &'static str,
    /// The next step; commands stand in backticks.
    pub(crate) next: &'static str,
}

/// The answer to a word that is no command of ours.
pub(crate) fn command(word: &str) -> Option<&'static Foreign> {
    find(&COMMANDS, word)
}

/// The answer to an option that this command does not have.
pub(crate) fn option(word: &str) -> Option<&'static Foreign> {
    find(&OPTIONS, word.split('=').next().unwrap_or(word))
}

fn find(table: &'static [Foreign], word: &str) -> Option<&'static Foreign> {
    table.iter().find(|foreign| foreign.words.contains(&word))
}

const fn row(words: &'static [&'static str], answer: &'static str, next: &'static str) -> Foreign {
    Foreign { words, answer, next }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{COMMANDS, Foreign, OPTIONS, command, option};
    use crate::args::definition::{commands, read};

    #[test]
    fn no_word_has_two_answers_and_none_is_ours() {
        let ours = commands();
        let mut seen = HashSet::new();
        for word in COMMANDS.iter().flat_map(|foreign| foreign.words) {
            assert!(seen.insert(word), "{word} stands in the table twice");
            assert!(
                !ours.contains(&(*word).to_owned()),
                "{word} is ours: take it out of the table"
            );
        }
        for word in OPTIONS.iter().flat_map(|foreign| foreign.words) {
            assert!(seen.insert(word), "{word} stands in the table twice");
        }
    }

    #[test]
    fn words_of_the_field_are_answered() {
        let restic = "cat copy find generate list migrate mount rebuild-index recover \
                      repair rewrite self-update stats unlock options features cache debug";
        let borg = "create extract list delete rename mount umount compact info recreate \
                    break-lock with-lock export-tar import-tar transfer upgrade serve benchmark \
                    repo-create repo-list repo-info repo-delete rcreate rlist rinfo rdelete";
        let others = "merge repoinfo sync purge size verify snapshot repository policy maintenance \
                      full incremental put get gc webdav search history unpin ui run \
                      schedule notify drill anomaly destination";
        for word in [restic, borg, others].iter().flat_map(|words| words.split_whitespace()) {
            assert!(command(word).is_some(), "{word}");
        }
        let options = "-r --repo --repository-file -p --password-command --exclude --iexclude \
                       --exclude-file --exclude-caches --exclude-larger-than --one-file-system \
                       --files-from --include --iinclude --tag --stdin --stdin-filename --host -H \
                       --path --latest --last --verify --no-lock --no-cache --cache-dir \
                       --compression --pack-size --limit-download --force --parent \
                       --ignore-inode --read-concurrency --skip-if-unchanged --keep-last \
                       --keep-daily --max-unused --encryption --progress --stats --list --sparse \
                       --strip-components --stdout --numeric-ids --option --group-by --tag=x";
        for word in options.split_whitespace() {
            assert!(option(word).is_some(), "{word}");
        }
    }

    /// The commands in backticks that are complete lines.
    fn lines(foreign: &Foreign) -> Vec<String> {
        let text = format!("{} {}", foreign.answer, foreign.next);
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.filter(|line| line.starts_with("keepmum ")).map(str::to_owned).collect()
    }

    /// The page `doc/coming-from.md`: our column can be typed, and theirs is answered here.
    #[test]
    fn coming_from_is_the_command_line() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../doc/coming-from.md");
        let page = std::fs::read_to_string(page).unwrap();
        let table = page.split("## Commands").nth(1).and_then(|rest| rest.split("\n## ").next());
        let rows = table
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("| `") || line.starts_with("| |"));
        let (mut ours, mut theirs) = (0, 0);
        let names = commands();
        for row in rows {
            let cells: Vec<_> = row.trim_matches('|').split('|').collect();
            let [restic, borg, keepmum] = cells[..] else { panic!("{row}") };
            for line in quoted(keepmum).filter(|line| line.starts_with("keepmum")) {
                let words = line.split_whitespace().map(Into::into);
                read(words, 100).unwrap_or_else(|error| panic!("{line}: {error}"));
                ours += 1;
            }
            for line in quoted(restic).chain(quoted(borg)) {
                let mut words = line.split_whitespace().skip(1);
                let word = words.next().unwrap().to_owned();
                assert!(names.contains(&word) || command(&word).is_some(), "{line}: no answer");
                theirs += 1;
            }
        }
        assert!(ours > 20 && theirs > 40, "{ours} and {theirs} lines were found");
    }

    fn quoted(cell: &str) -> impl Iterator<Item = &str> {
        cell.split('`').skip(1).step_by(2)
    }

    #[test]
    fn every_answer_can_be_typed() {
        for foreign in COMMANDS.iter().chain(&OPTIONS) {
            for line in lines(foreign) {
                let line = line.replace("\"2026-11-02 14:00\"", "2026-11-02");
                let words = line.split_whitespace().take_while(|word| *word != "|");
                read(words.map(Into::into), 100).unwrap_or_else(|e| panic!("{line}: {e}"));
            }
            for text in [foreign.answer, foreign.next] {
                assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
