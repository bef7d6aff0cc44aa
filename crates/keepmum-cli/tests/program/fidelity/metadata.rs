//! The metadata of things.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, IFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, ioctl_getflags,
    ioctl_setflags, mknodat, openat, utimensat,
};

use crate::fidelity::look;
use crate::fidelity::stage::{Stage, each_way, is_root, not_tested, set_attribute};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// An access list in which these have a say beside owner, group and others: tag 2 is a user and 8
/// a group, then permissions and number.
pub(crate) fn access_list(named: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut rows = vec![(1, 7, u32::MAX), (4, 4, u32::MAX), (0x20, 0, u32::MAX)];
    rows.extend(named);
    if !named.is_empty() {
        rows.push((0x10, 6, u32::MAX));
    }
    rows.sort_unstable();
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, number) in rows {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(number.to_le_bytes());
    }
    list
}

#[test]
fn modes() {
    each_way(|stage| {
        for bits in [0o400, 0o444, 0o600, 0o640, 0o755, 0o777, 0o1644] {
            let path = stage.file(format!("file {bits:o}"), "x");
            set_mode(&path, bits);
        }
        for bits in [0o500, 0o555, 0o700, 0o1777, 0o2775, 0o3770] {
            let path = stage.source(format!("folder {bits:o}"));
            stage.file(path.join("inside"), "x");
            set_mode(&path, bits);
        }
        stage.comes_back();
        // An ordinary user may not even read it.
        let closed = stage.file("closed", "x");
        set_mode(&closed, 0o0);
        stage.hand_over("source");
        let said = stage.run(&["backup"]);
        assert!(said.code == 0 || said.stderr.starts_with("Skipped "), "{said:?}");
        stage.restore(&[]);
        assert_eq!(said.code == 0, runs_as_root(stage), "{said:?}");
        assert_eq!(stage.out("closed").exists(), runs_as_root(stage));
        assert!(!runs_as_root(stage) || mode(&stage.out("closed")) == 0);
    });
}

fn runs_as_root(stage: &Stage) -> bool {
    is_root() && fs::metadata(stage.source("")).unwrap().uid() == 0
}

#[test]
fn set_user_and_set_group_bits() {
    each_way(|stage| {
        for bits in [0o4755, 0o2755, 0o6711] {
            set_mode(&stage.file(format!("{bits:o}"), "x"), bits);
        }
        stage.hand_over("");
        for bits in [0o4755, 0o2755, 0o6711] {
            // A new owner took them away.
            set_mode(&stage.source(format!("{bits:o}")), bits);
        }
        stage.backup();
        for _ in 0..2 {
            let said = stage.restore(&[]);
            assert_eq!(said.code, 3, "{said:?}");
            for bits in [0o4755, 0o2755, 0o6711] {
                let line = format!(
                    "Partly restored [PLACE]/out/{bits:o}: was not restored in all: its set-id bits were \
                     left out without --special\n"
                );
                assert!(said.stderr.contains(&line), "{said:?}");
                assert_eq!(mode(&stage.out(format!("{bits:o}"))), bits & 0o777);
            }
        }
        let said = stage.restore(&["--special"]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
        stage.restores_all(&["--special"]);
    });
}

#[test]
fn owner_and_group_by_number() {
    let stage = Stage::new();
    let owners = [(54321, 54322), (0, 54322), (54321, 0), (1, 2)];
    for (user, group) in owners.iter().filter(|_| is_root()) {
        let name = format!("{user}-{group}");
        lchown(stage.file(&name, "x"), Some(*user), Some(*group)).unwrap();
        let link = stage.source(format!("link {name}"));
        symlink("text", &link).unwrap();
        lchown(&link, Some(*user), Some(*group)).unwrap();
        let folder = stage.source(format!("folder {name}"));
        fs::create_dir(&folder).unwrap();
        lchown(&folder, Some(*user), Some(*group)).unwrap();
    }
    // Anybody may give to a group of their own.
    for group in rustix::process::getgroups().unwrap() {
        let path = stage.file(format!("group {}", group.as_raw()), "x");
        lchown(path, None, Some(group.as_raw())).unwrap();
    }
    stage.comes_back();
}

#[test]
fn owner_and_group_by_name() {
    let stage = Stage::new();
    let path = stage.file("file", "x");
    if !is_root() {
        stage.comes_back();
        let name = user_name(fs::metadata(path).unwrap().uid());
        let listed = stage.run(&["ls", "-lR"]);
        assert!(listed.stdout.contains(&name), "{name}: {listed:?}");
        return;
    }
    // The same names have other numbers where the backup is restored.
    lchown(&path, Some(54321), Some(54322)).unwrap();
    let file = |what: &str, numbers: (u32, u32)| {
        let (user, group) = numbers;
        let folder = stage.place.folder(what);
        let users =
            format!("root:x:0:0::/root:/bin/sh\nkeepmum-anna:x:{user}:{group}::/:/bin/sh\n");
        fs::write(folder.join("passwd"), users).unwrap();
        fs::write(folder.join("group"), format!("root:x:0:\nkeepmum-choir:x:{group}:\n")).unwrap();
        folder
    };
    let run = |folder: &Path, words: &str| {
        let program = env!("CARGO_BIN_EXE_keepmum");
        let script = format!(
            "mount --bind {0}/passwd /etc/passwd && mount --bind {0}/group /etc/group && \
             exec {program} -c config.ini {words}",
            folder.display()
        );
        let mut command = stage.command(&[]);
        let mut inside = std::process::Command::new("unshare");
        inside.args(["--mount", "sh", "-c", &script]);
        inside.current_dir(command.get_current_dir().unwrap()).env_clear();
        for (key, value) in command.get_envs() {
            inside.envs(value.map(|value| (key, value)));
        }
        drop(std::mem::replace(&mut command, inside));
        stage.place.said(command.output().unwrap())
    };
    let said = run(&file("here", (54321, 54322)), "backup");
    if said.stderr.contains("unshare") || said.stderr.contains("mount:") {
        not_tested(&format!("owners by name, because this root may not mount: {said:?}"));
        return;
    }
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    let there = file("there", (61001, 61002));
    let what = stage.source("file").display().to_string();
    let said = run(&there, &format!("restore latest:{what} -t out"));
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    let owner = fs::metadata(stage.out("file")).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (61001, 61002));
    // The same where a number was asked for, and nobody where that was.
    for (to, owner) in [("number", (54321, 54322)), ("none", (0, 0)), ("name", (61001, 61002))] {
        fs::remove_file(stage.out("file")).unwrap();
        let said = run(&there, &format!("restore latest:{what} -t out --owner {to}"));
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{to}: {said:?}");
        let found = fs::metadata(stage.out("file")).unwrap();
        assert_eq!((found.uid(), found.gid()), owner, "{to}");
    }
    // Where nobody has the name, the number stays.
    let said = stage.run(&["restore", &format!("latest:{what}"), "-t", "out"]);
    assert_eq!(said.code, 0, "{said:?}");
    let owner = fs::metadata(stage.out("file")).unwrap();
    assert_eq!((owner.uid(), owner.gid()), (54321, 54322));
}

/// The name of a user of this machine, or the number of one without.
fn user_name(number: u32) -> String {
    let number = number.to_string();
    let said = std::process::Command::new("id").args(["-nu", &number]).output().unwrap();
    let name = String::from_utf8(said.stdout).unwrap().trim().to_owned();
    if name.is_empty() { number } else { name }
}

fn set_mtime(path: &Path, seconds: i64, nanos: i64) {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: nanos },
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// One thing of each kind with these times.
fn of_times(stage: &Stage, times: &[(i64, i64)]) {
    for (number, (seconds, nanos)) in times.iter().enumerate() {
        let folder = stage.source(format!("{number}/folder"));
        fs::create_dir_all(&folder).unwrap();
        let file = stage.file(format!("{number}/file"), "x");
        let link = stage.source(format!("{number}/link"));
        symlink("text", &link).unwrap();
        let pipe = stage.source(format!("{number}/pipe"));
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for path in [folder, file, link, pipe, stage.source(number.to_string())] {
            set_mtime(&path, *seconds, *nanos);
            let found = fs::symlink_metadata(&path).unwrap();
            assert_eq!((found.mtime(), found.mtime_nsec()), (*seconds, *nanos));
        }
    }
}

#[test]
fn mtime_to_the_nanosecond() {
    each_way(|stage| {
        let times = [(0, 0), (0, 1), (1_700_000_000, 999_999_999), (2_147_483_648, 123_456_789)];
        of_times(stage, &times);
        stage.comes_back();
    });
}

#[test]
fn mtime_before_1970() {
    each_way(|stage| {
        of_times(stage, &[(-1, 0), (-1, 999_999_999), (-1_000_000_000, 1), (-2_000_000_000, 5)]);
        stage.comes_back();
        let listed = stage.run(&["ls", "-lR"]);
        assert!(listed.stdout.contains(" 24 Apr 1938 "), "{listed:?}");
    });
}

#[test]
fn user_attributes() {
    each_way(|stage| {
        let file = stage.file("file", "x");
        let folder = stage.source("folder");
        fs::create_dir(&folder).unwrap();
        let read_only = stage.file("read only", "x");
        for path in [&file, &folder, &read_only] {
            set_attribute(path, "user.text", b"value");
            set_attribute(path, "user.empty", b"");
            set_attribute(path, "user.odd=name%", &[0, 10, 27, 255]);
            set_attribute(path, "user.large", &[7; 2500]);
        }
        set_mode(&read_only, 0o400);
        stage.comes_back();
        // In a later run one is gone, one is new and one has another value.
        rustix::fs::lremovexattr(&file, "user.empty").unwrap();
        set_attribute(&file, "user.text", b"other");
        set_attribute(&folder, "user.new", b"1");
        stage.backup();
        stage.restores_all(&[]);
    });
}

#[test]
fn access_lists() {
    each_way(|stage| {
        let list = access_list(&[(2, 6, 1), (2, 4, 54321), (8, 2, 2)]);
        let access = "system.posix_acl_access";
        let file = stage.file("file", "x");
        let read_only = stage.file("read only", "x");
        for path in [&file, &read_only, &stage.source("")] {
            set_attribute(path, access, &list);
        }
        set_mode(&read_only, 0o440);
        // Things in a folder with a default list need not have inherited it.
        let folder = stage.source("folder");
        stage.file("folder/plain", "x");
        fs::create_dir(folder.join("deeper")).unwrap();
        set_attribute(&folder, access, &list);
        set_attribute(&folder, "system.posix_acl_default", &list);
        let inherited = stage.file("folder/inherited", "x");
        assert!(!look::attributes(&inherited).is_empty());
        stage.comes_back();
        rustix::fs::lremovexattr(&file, access).unwrap();
        stage.backup();
        stage.restores_all(&[]);
    });
}

/// `cap_net_raw+ep`, as the kernel keeps it.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Restores without `--special`, twice; returns both outputs.
fn told(stage: &Stage) -> String {
    let said = stage.restore(&[]);
    assert_eq!(said.code, 3, "{said:?}");
    let again = stage.restore(&[]);
    assert_eq!((again.code, &again.stderr), (3, &said.stderr));
    said.stderr
}

#[test]
fn file_capabilities() {
    let Some(stage) = of_attribute("security.capability", &CAPABILITY) else { return };
    assert_eq!(
        told(&stage),
        "Partly restored [PLACE]/out/program: was not restored in all: attribute security.capability \
         was left out without --special\n"
    );
    assert!(look::attributes(&stage.out("program")).is_empty());
    stage.restores_all(&["--special"]);
}

#[test]
fn trusted_attributes() {
    let Some(stage) = of_attribute("trusted.keepmum", b"1") else { return };
    assert!(told(&stage).contains("attribute trusted.keepmum was left out without --special\n"));
    stage.restores_all(&["--special"]);
}

#[test]
fn security_labels() {
    let Some(stage) = of_attribute("security.keepmum", b"label") else { return };
    let said = stage.restore(&[]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(look::attributes(&stage.out("program")).is_empty());
    stage.place.folder("gone");
    fs::remove_dir_all(stage.out("")).unwrap();
    stage.restores_all(&["--special"]);
}

/// A snapshot of a program with an attribute that only root may set. Other users have none to save:
/// then the test shows that they cannot set one, and a plain program comes back.
fn of_attribute(name: &str, value: &[u8]) -> Option<Stage> {
    let stage = Stage::new();
    let program = stage.file("program", "x");
    if is_root() {
        set_attribute(&program, name, value);
        stage.backup();
        return Some(stage);
    }
    let flags = rustix::fs::XattrFlags::empty();
    assert!(rustix::fs::lsetxattr(&program, name, value, flags).is_err());
    not_tested(&format!("only root can give {name} to a file, and this is not root"));
    stage.comes_back();
    None
}

/// Not kept: when something was looked at, when anything of it changed, and its number on the file
/// system. That they differ makes no new snapshot.
#[test]
fn access_and_change_times_and_inodes() {
    each_way(|stage| {
        let path = stage.file("file", "x");
        set_mtime(&path, 1_000_000_000, 5);
        stage.backup();
        let access =
            || fs::metadata(&path).map(|found| (found.atime(), found.atime_nsec())).unwrap();
        let before = access();
        let times = Timestamps {
            last_access: Timespec { tv_sec: 1_500_000_000, tv_nsec: 7 },
            last_modification: Timespec { tv_sec: 1_000_000_000, tv_nsec: 5 },
        };
        utimensat(CWD, &path, &times, AtFlags::empty()).unwrap();
        fs::copy(&path, stage.source("new")).unwrap();
        utimensat(CWD, stage.source("new"), &times, AtFlags::empty()).unwrap();
        let folder = fs::metadata(stage.source("")).unwrap();
        fs::rename(stage.source("new"), &path).unwrap();
        set_mtime(&stage.source(""), folder.mtime() - 1, 0);
        let again = stage.backup();
        assert!(
            !again.stdout.contains("Nothing to upload"),
            "the folder's own time is kept: {again:?}"
        );
        assert!(again.stdout.contains(": 1 changed folder. "), "{again:?}");
        assert_ne!(before, access());
        assert_eq!(access(), (1_500_000_000, 7), "the backup itself left an access time");
        stage.restores_all(&[]);
    });
}

/// Not kept: the flags that `chattr` sets.
#[test]
fn flags_of_chattr() {
    each_way(|stage| {
        let path = stage.file("file", "x");
        let open = |path: &Path| openat(CWD, path, OFlags::RDONLY, Mode::empty()).unwrap();
        let flags = ioctl_getflags(open(&path)).unwrap();
        ioctl_setflags(open(&path), flags | IFlags::NODUMP).unwrap();
        stage.comes_back();
        assert!(!ioctl_getflags(open(&stage.out("file"))).unwrap().contains(IFlags::NODUMP));
    });
}
