//! Backs up a folder into another one, lists the snapshots, and restores the newest.
//!
//! `cargo run --release --example backup -- SOURCE DESTINATION TARGET`; the password is read from
//! the environment variable `KEEPMUM_PASSWORD`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use keepmum::Passphrase;
use keepmum::Seam;
use keepmum::ops::{
    self, Access, BackupOptions, CatalogueAt, Event, Installation, Observer, RecoveryCode,
    RestoreOptions,
};

/// Prints messages for people.
struct Console;

impl Observer for Console {
    fn event(&self, event: Event) {
        match event {
            Event::Notice(sentence) => eprintln!("{sentence}"),
            Event::Problem(problem) => eprintln!("{}: {}", problem.path, problem.sentence),
            _ => {}
        }
    }

    fn stopping(&self) -> bool {
        false
    }

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        println!("Recovery code, shown once: {}", code.expose());
        true
    }
}

fn access(destination: &Path, password: &str) -> Result<Access, Box<dyn Error>> {
    let installation =
        Installation { device_name: "example".to_owned(), ..Installation::default() };
    Ok(Access::new(
        Seam::real(destination)?,
        Passphrase::new(password.to_owned()),
        CatalogueAt::Temporary,
        installation,
        2,
    ))
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [source, destination, target] = &words[..] else {
        return Err("usage: backup SOURCE DESTINATION TARGET".into());
    };
    let access = access(destination, &env::var("KEEPMUM_PASSWORD")?)?;
    let options = BackupOptions {
        source: "example".to_owned(),
        roots: vec![source.canonicalize()?],
        create: true,
        ..BackupOptions::default()
    };
    let report = ops::backup(&access, &options, &Console)?;
    println!("{} files are new, {} bytes were stored", report.new, report.bytes_stored);
    for snapshot in ops::snapshots(&access, &Console)?.snapshots {
        println!("{} of {} has {} files", snapshot.id, snapshot.source, snapshot.files);
    }
    let options = RestoreOptions { target: Some(target.clone()), ..RestoreOptions::default() };
    let report = ops::restore(&access, &options, &Console)?;
    println!("{} files were restored", report.files_written);
    Ok(())
}
