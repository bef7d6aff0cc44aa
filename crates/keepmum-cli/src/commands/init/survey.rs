//! How much lies in a folder, counted for a moment: enough to choose, and for an estimate.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::terminal::text;

/// Patterns of what can be made again or was thrown away, in words and as they are written.
pub(super) const LEFT_OUT: [&str; 6] = [
    ".cache/",
    "node_modules/",
    "__pycache__/",
    "**/.local/share/Trash/",
    ".Trash-[0-9]*/",
    "*.tmp",
];

/// Bytes and files a second of a first backup on a machine that is not new, as a rough estimate.
const BYTES_A_SECOND: f64 = 60e6;
const FILES_A_SECOND: f64 = 2_000.0;
/// Of a line of 10 Mbit/s.
const UPLOADED_A_SECOND: f64 = 1.25e6;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Of them in what is usually left out.
    pub(super) spare: u64,
    /// There is more: the time was up.
    pub(super) is_cut: bool,
}

impl Amount {
    /// Counts below these folders, for so long.
    pub(super) fn of(roots: &[PathBuf], patience: Duration) -> Self {
        let until = Instant::now() + patience;
        let mut amount = Self::default();
        let mut waiting: Vec<(PathBuf, bool)> =
            roots.iter().map(|root| (root.clone(), false)).collect();
        while let Some((folder, is_spare)) = waiting.pop() {
            if Instant::now() > until {
                amount.is_cut = true;
                break;
            }
            if !folder.is_dir() {
                let length = fs::symlink_metadata(&folder).map_or(0, |found| found.len());
                amount.add(length, is_spare);
                continue;
            }
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(found) = entry.metadata() else { continue };
                if found.is_dir() {
                    let path = entry.path();
                    let is_spare = is_spare || can_be_spared(&path);
                    waiting.push((path, is_spare));
                } else {
                    amount.add(found.len(), is_spare);
                }
            }
        }
        amount
    }

    fn add(&mut self, length: u64, is_spare: bool) {
        self.files += 1;
        self.bytes += length;
        self.spare += if is_spare { length } else { 0 };
    }

    /// `41 GiB in 38000 files`.
    pub(super) fn shown(self) -> String {
        let more = if self.is_cut { "more than " } else { "" };
        let files = text::count(self.files, "file", "files");
        format!("{more}{} in {files}", text::size(self.bytes))
    }

    /// How long a first backup and its upload take.
    pub(super) fn estimate(self) -> String {
        let bytes = self.bytes as f64;
        let time = (bytes / BYTES_A_SECOND).max(self.files as f64 / FILES_A_SECOND);
        if !self.is_cut && time.max(bytes / UPLOADED_A_SECOND) < 60.0 {
            return "less than a minute, with the upload at 10 Mbit/s".to_owned();
        }
        let at_least = if self.is_cut { "at least " } else { "about " };
        let upload = rough(bytes / UPLOADED_A_SECOND);
        format!("{at_least}{}; the upload at 10 Mbit/s {at_least}{upload}", rough(time))
    }
}

/// A time that is only an estimate.
fn rough(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => "1 min".to_owned(),
        s if s < 5_400.0 => format!("{} min", (s / 60.0).round()),
        s if s < 172_800.0 => format!("{} h", (s / 3_600.0).round()),
        s => format!("{} days", (s / 86_400.0).round()),
    }
}

fn can_be_spared(folder: &Path) -> bool {
    let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let of_trash = name.strip_prefix(".Trash-");
    matches!(name, ".cache" | "node_modules" | "__pycache__")
        || of_trash.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        || folder.ends_with(".local/share/Trash")
}

#[cfg(test)]
mod tests {
    use super::Amount;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn files_are_counted_and_caches_apart() {
        let folder = tempfile::tempdir().unwrap();
        for (path, length) in
            [("a", 10), ("b/c", 20), ("b/node_modules/d/e", 300), (".cache/f", 40)]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![0; length]).unwrap();
        }
        // A link into it does not count twice.
        std::os::unix::fs::symlink("b", folder.path().join("link")).unwrap();
        let roots = [folder.path().to_owned()];
        let amount = Amount::of(&roots, Duration::from_secs(60));
        assert_eq!((amount.files, amount.bytes - 1, amount.spare), (5, 370, 340));
        assert!(!amount.is_cut);
        let file = Amount::of(&[folder.path().join("a")], Duration::from_secs(60));
        assert_eq!((file.files, file.bytes), (1, 10));
    }

    #[test]
    fn estimates_are_rough() {
        let amount = |bytes, files| Amount { bytes, files, ..Amount::default() }.estimate();
        assert_eq!(amount(1_000, 3), "less than a minute, with the upload at 10 Mbit/s");
        assert_eq!(amount(200 << 20, 3), "about 1 min; the upload at 10 Mbit/s about 3 min");
        assert_eq!(amount(41 << 30, 38_000), "about 12 min; the upload at 10 Mbit/s about 10 h");
    }
}
