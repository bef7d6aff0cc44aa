//! Candidates from the catalogue of the config that is meant.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;
use jiff::Zoned;
use keepmum::History;
use keepmum::ops::{KnownSnapshot, Recollection};

use super::paths;
use crate::args::{self, Shared};
use crate::config::KEYS;
use crate::settings::{Environment, Settings};
use crate::terminal::text;
use crate::{args::subcommand, moment};

/// So many are offered at a time: more than anybody reads.
const MOST: usize = 200;

/// The sources of candidates.
pub(super) struct Known {
    /// The file of the catalogue; opened only once something is asked of it.
    catalogue: Option<PathBuf>,
    /// Roots of the config's source.
    pub(super) roots: Vec<PathBuf>,
    /// The home of the person.
    pub(super) home: Option<PathBuf>,
    now: Zoned,
    /// The word before the last one.
    before: OsString,
    /// `--undo` was typed.
    undoes: bool,
}

impl Known {
    /// The sources where these words are typed.
    pub(super) fn of(words: &[OsString]) -> Self {
        let environment = Environment::real();
        let shared = shared(words, environment.home.as_ref());
        let settings = Settings::resolve(&shared, &environment).ok();
        let catalogue = settings.as_ref().and_then(|settings| settings.catalogue.clone());
        let source = settings.and_then(|settings| settings.source);
        Self {
            catalogue,
            roots: source.map(|source| source.roots).unwrap_or_default(),
            home: environment.home,
            now: environment.now,
            undoes: words.iter().any(|word| word == "--undo"),
            before: words.iter().rev().nth(1).cloned().unwrap_or_default(),
        }
    }

    /// The catalogue, where there is one.
    pub(super) fn recollection(&self) -> Option<Recollection> {
        self.catalogue.as_deref().and_then(Recollection::of)
    }

    /// The names of snapshots.
    pub(super) fn snapshots(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        self.named(word, "")
    }

    /// The names of snapshots; a tag ends with this, where it could be a path without it.
    fn named(&self, word: &OsStr, end: &str) -> Vec<CompletionCandidate> {
        let Some(typed) = word.to_str() else { return Vec::new() };
        let known = self.known_snapshots();
        let mut found = Vec::new();
        let tags: BTreeSet<&String> = known.iter().flat_map(|one| &one.tags).collect();
        let tags = tags.into_iter().filter(|tag| tag.starts_with(typed)).take(MOST);
        found.extend(
            tags.map(|tag| {
                CompletionCandidate::new(format!("{tag}{end}")).help(Some("a tag".into()))
            }),
        );
        if "latest".starts_with(typed) && !known.is_empty() {
            found.push(CompletionCandidate::new("latest").help(Some("the newest".into())));
        }
        if let Some(number) = typed.strip_prefix("latest~") {
            let numbers = (1..=9).map(|back: u32| back.to_string());
            let numbers = numbers.filter(|back| back.starts_with(number));
            found.extend(numbers.map(|back| CompletionCandidate::new(format!("latest~{back}"))));
        }
        let is_meant = |one: &&KnownSnapshot| one.id.starts_with(&typed.to_ascii_lowercase());
        found.extend(known.iter().filter(is_meant).take(MOST).map(|one| {
            let id =
                if typed.len() > text::id(&one.id).len() { &one.id } else { text::id(&one.id) };
            CompletionCandidate::new(id).help(Some(self.about(one).into()))
        }));
        in_order(found)
    }

    /// The names of snapshots, and paths in them.
    pub(super) fn snapshots_and_paths(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let paths = paths::candidates(self, word, MOST);
        match paths.is_empty() {
            true => self.named(word, ":"),
            false => paths,
        }
    }

    /// The names of devices.
    pub(super) fn devices(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let named = self.known_snapshots().into_iter();
        let named = named.map(|one| (one.device, format!("id {}", text::id(&one.device_id))));
        beginning_with(word, named)
    }

    /// The names of sources.
    pub(super) fn sources(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let named = self.known_snapshots().into_iter();
        beginning_with(word, named.map(|one| (one.source, format!("of {}", one.device))))
    }

    /// Times at which snapshots were made.
    pub(super) fn times(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let common = ["yesterday", "3 days ago", "1 week ago"];
        let common = common.map(|time| (time.to_owned(), String::new())).into_iter();
        let minute = |one: &KnownSnapshot| {
            let shown = moment::here(one.time, &self.now);
            shown.get(..16).unwrap_or_default().to_owned()
        };
        let known = self.known_snapshots();
        beginning_with(word, common.chain(known.iter().map(|one| (minute(one), self.about(one)))))
    }

    /// The ids of passwords and codes.
    pub(super) fn keys(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let keys = self.recollection().map(|known| known.keys()).unwrap_or_default();
        beginning_with(word, keys.into_iter())
    }

    /// The numbers of runs.
    pub(super) fn runs(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let runs = self
            .catalogue
            .as_deref()
            .and_then(History::read)
            .and_then(|history| history.runs(MOST as u32).ok());
        let about = |run: &keepmum::ops::RunRow| match run.exit_code {
            Some(code) => format!("{}, exit code {code}", moment::short(run.time, &self.now)),
            None => moment::short(run.time, &self.now),
        };
        let runs = runs.unwrap_or_default().into_iter().rev();
        beginning_with(word, runs.map(|run| (run.id.to_string(), about(&run))))
    }

    /// The pages of `help` and `man`.
    pub(super) fn topics(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        let about = |about: Option<&clap::builder::StyledStr>| about.map(ToString::to_string);
        if self.before == "config" {
            let keys = KEYS.iter().map(|key| (key.word.to_owned(), key.about.to_owned()));
            return beginning_with(word, keys);
        }
        let program = args::program();
        let above = self.before.to_str().filter(|word| !["help", "man"].contains(word));
        let above = above.and_then(|word| subcommand(&program, &[word.to_owned()]));
        let above = above.unwrap_or(&program);
        let named = above.get_subcommands().map(|command| {
            (command.get_name().to_owned(), about(command.get_about()).unwrap_or_default())
        });
        let others =
            [("config", "The keys of the config"), ("words", "The words that keepmum uses")];
        let others = others.map(|(topic, about)| (topic.to_owned(), about.to_owned())).into_iter();
        beginning_with(word, named.chain(others))
    }

    /// Snapshots alone: what `forget` takes, or what it forgot where that is to be undone.
    pub(super) fn to_forget(&self, word: &OsStr) -> Vec<CompletionCandidate> {
        if !self.undoes {
            return self.snapshots(word);
        }
        let all = self.recollection().map(|known| known.snapshots()).unwrap_or_default();
        let forgotten = all.into_iter().filter(|one| one.forgotten);
        let named = forgotten.map(|one| (text::id(&one.id).to_owned(), self.about(&one)));
        beginning_with(word, named)
    }

    fn known_snapshots(&self) -> Vec<KnownSnapshot> {
        let all = self.recollection().map(|known| known.snapshots()).unwrap_or_default();
        all.into_iter().filter(|one| !one.forgotten).collect()
    }

    fn about(&self, one: &KnownSnapshot) -> String {
        let (time, size) = (moment::short(one.time, &self.now), text::size(one.bytes));
        format!("{time}, {} of {}, {size}", text::line(&one.source), text::line(&one.device))
    }
}

/// Those that begin so, each once.
fn beginning_with(
    word: &OsStr,
    named: impl Iterator<Item = (String, String)>,
) -> Vec<CompletionCandidate> {
    let typed = word.to_str().unwrap_or_default();
    let mut found: Vec<CompletionCandidate> = Vec::new();
    for (name, about) in named.filter(|(name, _)| name.starts_with(typed)).take(MOST) {
        if found.iter().all(|known| known.get_value() != name.as_str()) {
            found.push(CompletionCandidate::new(name).help(Some(about.into())));
        }
    }
    in_order(found)
}

/// In the order in which they are found.
pub(super) fn in_order(found: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let ordered = found.into_iter().enumerate();
    ordered.map(|(at, one)| one.display_order(Some(at))).collect()
}

/// The options of these words that say which config is meant.
fn shared(words: &[OsString], home: Option<&PathBuf>) -> Shared {
    let mut shared = Shared::default();
    // The last word is being typed.
    let done = &words[..words.len().saturating_sub(1)];
    for (index, word) in done.iter().enumerate() {
        let Some(word) = word.to_str() else { continue };
        let next = || done.get(index + 1).map(PathBuf::from);
        let stated = word.strip_prefix("--config=").or_else(|| word.strip_prefix("-c"));
        match word {
            "-c" | "--config" => shared.config = next(),
            "--from" => shared.from = next(),
            _ if word.starts_with("--from=") => shared.from = Some(PathBuf::new()),
            _ => shared.config = stated.map(PathBuf::from).or(shared.config),
        }
    }
    shared.config = shared.config.map(|path| match (path.strip_prefix("~"), home) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path,
    });
    shared
}
