//! Devices: a new name for this one, and a word on another one that will not run again.
//!
//! Both only write a record. Nothing is deleted: a retired device's snapshots stay.

use serde::Serialize;

use crate::format::LifeItem;
use crate::life::{Copies, Opening, Writing};
use crate::model::{DeviceId, RecordRef};
use crate::repository::Chains;
use crate::session::access::Access;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;

/// Longest name of a device in bytes.
const NAME_MAX: usize = 100;

/// The result of a change of devices.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceChangeReport {
    /// The device's id.
    pub id: String,
    /// Its name now.
    pub name: String,
    /// Its name before.
    pub former_name: String,
    /// How many snapshots it has.
    pub snapshots: u64,
    /// Bytes written to the destination.
    pub bytes_stored: u64,
    /// Objects written to the destination.
    pub objects_stored: u64,
}

/// Gives this device another name.
///
/// # Errors
/// An empty or long name, whatever keeps the repository from being opened, and a destination that
/// fails.
pub fn device_rename(
    access: &Access,
    new: &str,
    utc_offset_minutes: i16,
    observer: &dyn Observer,
) -> Result<DeviceChangeReport, Error> {
    if new.trim().is_empty() || new.len() > NAME_MAX || new.contains(char::is_control) {
        let sentence = format!("the name of a device has 1 to {NAME_MAX} bytes on one line");
        return Err(Error::new(ErrorKind::Unusable, sentence));
    }
    let how = Opening { utc_offset_minutes, ..Opening::default() };
    let mut writing = Writing::open(access, how, observer)?;
    let (chains, device) = (writing.repository.chains()?, writing.device);
    let known = chains.device(device);
    let name = known.map_or(&*access.installation.device_name, |chain| chain.device_name());
    let mut report = DeviceChangeReport {
        id: device.to_string(),
        name: new.to_owned(),
        former_name: name.to_owned(),
        snapshots: known.map_or(0, |chain| chain.snapshots().count() as u64),
        bytes_stored: 0,
        objects_stored: 0,
    };
    if name != new || known.is_none() {
        let written = writing.write(Copies::default(), vec![LifeItem::Name(new.to_owned())])?;
        (report.bytes_stored, report.objects_stored) = (written.bytes, written.objects);
    }
    Ok(report)
}

/// Says that a device, by its name or the beginning of its id, will not run again.
///
/// # Errors
/// No such device, or several; this device itself; one that is retired already; a folder that holds
/// less than this device has seen in it.
pub fn device_retire(
    access: &Access,
    typed: &str,
    utc_offset_minutes: i16,
    observer: &dyn Observer,
) -> Result<DeviceChangeReport, Error> {
    let how = Opening { utc_offset_minutes, ..Opening::default() };
    let mut writing = Writing::open(access, how, observer)?;
    writing.refuse_behind()?;
    let chains = writing.repository.chains()?;
    let device = find(&chains, typed)?;
    let standing = &writing.repository.standing;
    if device == writing.device {
        let sentence = "this computer cannot retire itself; run the command on another one";
        return Err(Error::new(ErrorKind::Unusable, sentence));
    }
    if standing.is_retired(device) {
        return Err(Error::new(ErrorKind::Unusable, format!("{typed} is retired already")));
    }
    // One item for each branch, where its chain has parted.
    let item = |last: &RecordRef| LifeItem::Retire { device, last: Some((last.run, last.hash)) };
    let items: Vec<LifeItem> = standing.past.ends(device).map(item).collect();
    if items.is_empty() {
        let sentence = format!("not all records of {typed} have arrived yet");
        return Err(Error::new(ErrorKind::Pending, sentence));
    }
    let chain = chains.device(device);
    let name = chain.map_or("", |chain| chain.device_name()).to_owned();
    let snapshots = chain.map_or(0, |chain| chain.snapshots().count() as u64);
    let written = writing.write(Copies::default(), items)?;
    Ok(DeviceChangeReport {
        id: device.to_string(),
        former_name: name.clone(),
        name,
        snapshots,
        bytes_stored: written.bytes,
        objects_stored: written.objects,
    })
}

/// The one device with this name, or whose id begins so.
fn find(chains: &Chains, typed: &str) -> Result<DeviceId, Error> {
    let beginning = typed.to_ascii_lowercase();
    let named = chains.iter().filter(|(_, chain)| chain.device_name() == typed);
    let mut found: Vec<DeviceId> = named.map(|(device, _)| *device).collect();
    if found.is_empty() && !beginning.is_empty() {
        let ids = chains.iter().map(|(device, _)| *device);
        found.extend(ids.filter(|device| device.to_string().starts_with(&beginning)));
    }
    match found[..] {
        [device] => Ok(device),
        [] => {
            let sentence = format!("there is no device {typed}");
            Err(Error::new(ErrorKind::Unusable, sentence))
        }
        _ => {
            let ids: Vec<_> = found.iter().map(|id| id.to_string()[..8].to_owned()).collect();
            let sentence =
                format!("several devices are meant by {typed}; give an id: {}", ids.join(", "));
            Err(Error::new(ErrorKind::Unusable, sentence))
        }
    }
}
