//! The rooms of the library: their list, their allowed imports, their budgets of lines, and that no
//! files of one import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Source, item_end, sources, text};
use super::{first_word, none, places};

/// All rooms above it in the table, but those that stand beneath other rooms only.
const ALL: &[&str] = &["*"];
/// Rooms that only the rooms which name them may import.
const PRIVATE: [&str; 1] = ["beneath"];

/// The rooms from below, which rooms each may import, and how many lines of code it may have:
/// neither blank nor comment nor test. A room that falls well below its budget gets a lower one.
pub(super) const ROOMS: [(&str, &[&str], usize); 17] = [
    ("model", &[], 780),
    ("format", &["model"], 2850),
    ("crypto", &[], 840),
    ("chunk", &[], 600),
    ("compress", &[], 300),
    ("pipeline", &[], 500),
    ("beneath", &["model"], 600),
    ("seam", &["beneath", "pipeline"], 900),
    ("store", &["seam"], 1300),
    ("source", &["model", "seam", "beneath"], 1950),
    ("target", &["model", "seam", "beneath"], 2450),
    ("catalogue", &["model"], 2800),
    ("repository", &["store", "crypto", "format", "compress", "model", "pipeline", "seam"], 4100),
    ("history", &["format", "model", "repository"], 400),
    ("session", ALL, 4500),
    ("life", ALL, 900),
    ("ops", ALL, 11500),
];

/// Rooms whose head holds a type that their files have the methods of: a file may name its head.
const HEADS: [&str; 3] = ["catalogue", "source", "target"];

/// By so much a room may stay below its budget.
const SLACK: usize = 250;

/// Whether a room may import another one.
pub(super) fn may_import(room: &str, other: &str) -> bool {
    let place = |room: &str| ROOMS.iter().position(|(name, ..)| *name == room);
    let (Some(at), Some(below)) = (place(room), place(other)) else { return false };
    match ROOMS[at].1 {
        ALL => below < at && !PRIVATE.contains(&other),
        named => named.contains(&other),
    }
}

#[test]
fn no_room_grows_unseen() {
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources() {
        let Some((room, _)) = source.room() else { continue };
        let code = source.own.lines().filter(|line| !line.trim().is_empty());
        *lines.entry(room.to_owned()).or_default() += code.count();
    }
    let mut found = Vec::new();
    for (room, _, budget) in ROOMS {
        let lines = lines.get(room).copied().unwrap_or(0);
        if lines > budget || lines + SLACK < budget {
            found.push(format!("{room}: {lines} lines, and its budget is {budget}"));
        }
    }
    none("lines of code in a room", &found);
}

/// The path of a module, by that of its file.
fn module(path: &str) -> Option<Vec<String>> {
    let within = path.strip_prefix("crates/keepmum/src/")?.strip_suffix(".rs")?;
    let mut names: Vec<String> = within.split('/').map(str::to_owned).collect();
    if names.last().is_some_and(|last| last == "mod") {
        names.pop();
    }
    Some(names)
}

/// The paths that a use tree names.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim_start();
    if let Some(group) = tree.strip_prefix('{') {
        let (mut level, mut begin, mut found) = (0, 0, Vec::new());
        for (at, byte) in group.bytes().enumerate() {
            match byte {
                b'{' => level += 1,
                b'}' if level > 0 => level -= 1,
                b',' | b'}' if level == 0 => {
                    found.extend(leaves(&group[begin..at]));
                    begin = at + 1;
                    if byte == b'}' {
                        break;
                    }
                }
                _ => {}
            }
        }
        return found;
    }
    let word = first_word(tree);
    if word.is_empty() {
        return vec![Vec::new()];
    }
    let below = tree[word.len()..].strip_prefix("::").map_or(vec![Vec::new()], leaves);
    let with = |mut rest: Vec<String>| {
        rest.insert(0, word.to_owned());
        rest
    };
    below.into_iter().map(with).collect()
}

/// The modules of some files, and the names that each re-exports from another one.
struct Modules {
    code: BTreeMap<Vec<String>, String>,
    handed_on: BTreeMap<(Vec<String>, String), Vec<String>>,
}

impl Modules {
    fn new(sources: &[Source]) -> Self {
        let mut code = BTreeMap::new();
        for source in sources.iter().filter(|source| !source.own.is_empty()) {
            if let Some(module) = module(&source.path) {
                code.insert(
                    module,
                    source.own.replace("(in crate::", "(").replace("(in super::", "("),
                );
            }
        }
        let mut modules = Self { code, handed_on: BTreeMap::new() };
        let mut handed_on = BTreeMap::new();
        for (module, code) in &modules.code {
            for at in places(code, "use ").filter(|at| is_handed_on(code, *at)) {
                let end = item_end(&code[at..]).unwrap_or(0);
                for leaf in leaves(&code[at + 4..at + end]) {
                    let (to, _) = modules.resolve(module, &leaf);
                    if let Some(name) = leaf.last().filter(|_| to != *module) {
                        handed_on.insert((module.clone(), name.clone()), to);
                    }
                }
            }
        }
        modules.handed_on = handed_on;
        modules
    }

    /// The deepest module on a path, and the first name behind it.
    fn resolve(&self, base: &[String], path: &[String]) -> (Vec<String>, Option<String>) {
        let mut at = base.to_vec();
        for (index, name) in path.iter().enumerate() {
            at.push(name.clone());
            if !self.code.contains_key(&at) {
                at.pop();
                return (at, path.get(index).cloned());
            }
        }
        (at, None)
    }

    /// The modules that a module names.
    fn named_by(&self, module: &[String]) -> BTreeSet<Vec<String>> {
        let code = &self.code[module];
        let mut found = BTreeSet::new();
        let mut add = |base: &[String], rest: &str| {
            for leaf in leaves(rest) {
                let (to, name) = self.resolve(base, &leaf);
                let handed_on = name.and_then(|name| self.handed_on.get(&(to.clone(), name)));
                found.insert(handed_on.cloned().unwrap_or(to));
            }
        };
        for at in places(code, "crate::") {
            add(&[], &code[at + 7..]);
        }
        for at in places(code, "super::").filter(|at| !code[..*at].ends_with("super::")) {
            let above = code[at..].split("super::").take_while(|part| part.is_empty()).count();
            let base = &module[..module.len().saturating_sub(above)];
            add(base, &code[at + above * 7..]);
        }
        let children = self
            .code
            .keys()
            .filter(|other| other.split_last().is_some_and(|(_, above)| above == module));
        for child in children {
            let name = format!("{}::", child.last().unwrap());
            let begins = |at: &usize| !code[..*at].ends_with("::") && !is_handed_on(code, *at);
            if places(code, &name).any(|at| begins(&at)) {
                found.insert(child.clone());
            }
        }
        found.remove(module);
        found.retain(|other| other.len() > 1 || !HEADS.contains(&other[0].as_str()));
        found.retain(|other| self.code.contains_key(other) && other.first() == module.first());
        found
    }

    /// Pairs of modules of one room of which each leads to the other.
    fn circles(&self) -> Vec<String> {
        let named: BTreeMap<_, _> = self.code.keys().map(|one| (one, self.named_by(one))).collect();
        let mut found = Vec::new();
        for (module, first) in &named {
            for next in first {
                let (mut seen, mut waiting) = (BTreeSet::from([next]), vec![next]);
                while let Some(at) = waiting.pop() {
                    waiting.extend(named[at].iter().filter(|to| seen.insert(to)));
                }
                if seen.contains(module) {
                    found.push(format!("{} and {}", module.join("::"), next.join("::")));
                }
            }
        }
        found
    }
}

/// Whether the name at a place in code is in a `pub use`: it is not used there.
fn is_handed_on(code: &str, at: usize) -> bool {
    let begin = code[..at].rfind([';', '}']).map_or(0, |end| end + 1);
    let statement = code[begin..at].trim_start();
    statement.starts_with("pub ") && !statement.contains(" fn ")
        || statement.starts_with("pub(") && statement.contains(')') && !statement.contains(" fn ")
}

#[test]
fn no_files_of_a_room_import_each_other_in_a_circle() {
    let file = |name: &str, code: &str| Source {
        path: format!("crates/keepmum/src/{name}.rs"),
        code: code.to_owned(),
        own: code.to_owned(),
    };
    let circle = [
        file("x/mod", "mod a; mod b; mod c; pub use c::C;"),
        file("x/a", "use super::b::{B, D};"),
        file("x/b", "use crate::x::C;"),
        file("x/c", "fn f() -> super::a::A {}"),
    ];
    let found = Modules::new(&circle).circles();
    assert_eq!(found, ["x::a and x::b", "x::b and x::c", "x::c and x::a"]);
    assert_eq!(Modules::new(&circle[..3]).circles(), Vec::<String>::new());
    none("files that import each other", &Modules::new(&sources()).circles());
}

/// Structs of more than 15 fields, how many they have, and why.
const LARGE: [(&str, usize, &str); 6] = [
    ("crates/keepmum-cli/src/config/mod.rs::Config", 20, "one for each key of a config"),
    ("crates/keepmum/src/catalogue/history.rs::RunRow", 16, "one for each field of its JSON"),
    ("crates/keepmum/src/ops/status/report.rs::StatusReport", 25, "one for each field of its JSON"),
    ("crates/keepmum/src/session/report.rs::SnapshotLine", 17, "one for each field of its JSON"),
    ("crates/keepmum/src/session/report.rs::BackupReport", 25, "one for each field of its JSON"),
    ("crates/keepmum/src/session/report.rs::CheckReport", 18, "one for each field of its JSON"),
];
const FIELDS: usize = 15;

#[test]
fn structs_are_small() {
    let (mut found, mut seen) = (Vec::new(), 0);
    for source in sources() {
        for at in places(&source.code, "struct ") {
            let item = &source.code[at..at + item_end(&source.code[at..]).unwrap_or(0)];
            let Some((_, body)) = item.split_once('{') else { continue };
            let (mut level, mut fields) = (0, 0);
            for (at, byte) in body.bytes().enumerate() {
                match byte {
                    b'{' | b'(' | b'<' | b'[' => level += 1,
                    b'}' | b')' | b'>' | b']' => level -= 1,
                    b':' if level == 0 && body.as_bytes().get(at + 1) == Some(&b' ') => fields += 1,
                    _ => {}
                }
            }
            seen += 1;
            let name = format!("{}::{}", source.path, first_word(&item[7..]));
            let known = LARGE.iter().find(|(large, ..)| *large == name);
            if fields > known.map_or(FIELDS, |(_, fields, _)| *fields) {
                found.push(format!("{name}: {fields} fields"));
            } else if known.is_some() && fields <= FIELDS {
                found.push(format!("{name} is no exception any more"));
            }
        }
    }
    none("structs of more than 15 fields", &found);
    assert!(seen > 300, "only {seen} structs were found");
}

#[test]
fn the_rooms_are_those_of_the_table_and_have_a_head() {
    let mut rooms = BTreeSet::new();
    let mut found = Vec::new();
    for source in sources() {
        if let Some((room, _)) = source.room() {
            rooms.insert(room.to_owned());
        }
        let head = text(&source.path).unwrap();
        if !source.path.contains("/tests/vectors/") && !head.starts_with("//!") {
            found.push(source.path);
        }
    }
    let table: BTreeSet<String> = ROOMS.iter().map(|(room, ..)| (*room).to_owned()).collect();
    assert_eq!(rooms, table, "rooms of the library, and rooms of the table");
    for room in rooms {
        let head = text(&format!("crates/keepmum/src/{room}/mod.rs")).unwrap_or_default();
        if head.lines().take_while(|line| line.starts_with("//!")).count() < 3 {
            found.push(format!("{room}/mod.rs"));
        }
    }
    none("no head says what this is", &found);
}

#[test]
fn imports_go_downward_only() {
    let mut found = Vec::new();
    let mut seen = 0;
    for source in sources() {
        let Some((room, depth)) = source.room() else { continue };
        assert!(ROOMS.iter().any(|(name, ..)| *name == room), "{room} is new");
        for (line, name) in super::imports(&source, depth) {
            seen += 1;
            if name != room && !may_import(room, &name) {
                found.push(format!("{}:{line}: {room} imports {name}", source.path));
            }
        }
    }
    none("rooms import what they may not", &found);
    assert!(seen > 200, "only {seen} imports were found");
}
