//! One conformance suite for every [`Disk`], and what a crash of the simulated one takes.

use super::real::RealDisk;
use super::sim::{Faults, SimDisk};
use super::*;
use crate::rng::Rng;
use std::io::{ErrorKind, IoSlice};

fn write(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Arc<dyn DiskFile> {
    let file = disk.open(path, Open::Write).unwrap();
    file.append_vectored(0, &[IoSlice::new(bytes)]).unwrap();
    file
}

fn conforms(disk: &dyn Disk, root: &Path) {
    let dir = root.join("a/b");
    disk.create_dir_all(&dir).unwrap();
    disk.create_dir_all(&dir).unwrap();
    let path = dir.join("file");
    assert_eq!(disk.open(&path, Open::Read).err().unwrap().kind(), ErrorKind::NotFound);
    let file = write(disk, &path, b"0123456789");
    file.append_vectored(8, &[IoSlice::new(b""), IoSlice::new(b"AB"), IoSlice::new(b"CD")]).unwrap();
    assert_eq!(disk.read(&path).unwrap(), b"01234567ABCD");
    let mut buffer = [0; 8];
    assert_eq!(file.read_at(8, &mut buffer).unwrap(), 4, "a read ends with the file");
    assert_eq!(file.read_at(99, &mut buffer).unwrap(), 0);
    file.reserve(1 << 20).unwrap();
    assert_eq!(file.length().unwrap(), 12, "reserved room is no content");
    file.truncate(3).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(&dir).unwrap();
    let moved = root.join("a/c");
    disk.rename(&dir, &moved).unwrap();
    assert_eq!(disk.read(&moved.join("file")).unwrap(), b"012");
    assert!(disk.entry(&path).unwrap().is_none());
    assert_eq!(disk.entry(&moved).unwrap().unwrap(), Entry { name: "c".into(), is_dir: true, length: 0 });
    disk.replace(&moved.join("small"), b"one").unwrap();
    disk.replace(&moved.join("small"), b"two!").unwrap();
    let names: Vec<_> = disk.list(&moved).unwrap().into_iter().map(|entry| (entry.name, entry.length)).collect();
    assert_eq!(names, [("file".to_owned(), 3), ("small".to_owned(), 4)]);
    let lock = disk.lock(&root.join(".lock")).unwrap();
    assert_eq!(disk.lock(&root.join(".lock")).err().unwrap().kind(), ErrorKind::WouldBlock);
    drop(lock);
    disk.lock(&root.join(".lock")).unwrap();
    disk.remove_file(&moved.join("small")).unwrap();
    assert_eq!(disk.remove_file(&moved.join("small")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(file.length().unwrap(), 3, "an open file outlives its name");
    disk.remove_dir_all(&root.join("a")).unwrap();
    assert!(disk.list(&root.join("a")).is_err());
    assert!(disk.space(root).unwrap().usable_bytes > 0);
}

#[test]
fn the_real_disk_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&*RealDisk::new(), folder.path());
}

#[test]
fn the_simulated_disk_conforms() {
    conforms(&*SimDisk::new(Rng::from_seed(1)), Path::new("/"));
}

#[test]
fn a_crash_keeps_what_was_synced_and_no_name_that_was_not() {
    let mut kept_some_unsynced = false;
    for seed in 0..50 {
        let disk = SimDisk::new(Rng::from_seed(seed));
        disk.create_dir_all(Path::new("/d")).unwrap();
        let file = write(&*disk, Path::new("/d/synced"), &[1; 2000]);
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("/d")).unwrap();
        file.append_vectored(2000, &[IoSlice::new(&[2; 2000])]).unwrap();
        write(&*disk, Path::new("/d/unsynced name"), b"x").sync_data().unwrap();
        disk.crash();
        assert!(file.length().is_err(), "handles die with their process");
        let after = disk.read(Path::new("/d/synced")).unwrap();
        assert!(after.len() >= 2000 && after[..2000] == [1; 2000], "seed {seed}: synced bytes stay");
        assert!(after[2000..].iter().all(|byte| [0, 2].contains(byte)));
        kept_some_unsynced |= after.len() > 2000;
        assert!(disk.entry(Path::new("/d/unsynced name")).unwrap().is_none());
    }
    assert!(kept_some_unsynced, "unsynced bytes may reach the disk as well");
}

#[test]
fn a_crash_undoes_a_rename_whose_directory_was_not_synced() {
    let disk = SimDisk::new(Rng::from_seed(1));
    disk.create_dir_all(Path::new("/d/sub")).unwrap();
    disk.replace(Path::new("/d/sub/file"), b"kept").unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.rename(Path::new("/d/sub"), Path::new("/d/moved")).unwrap();
    disk.crash();
    assert_eq!(disk.read(Path::new("/d/sub/file")).unwrap(), b"kept");
    disk.rename(Path::new("/d/sub"), Path::new("/d/moved")).unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.crash();
    assert_eq!(disk.read(Path::new("/d/moved/file")).unwrap(), b"kept");
    assert!(disk.entry(Path::new("/d/sub")).unwrap().is_none());
}

#[test]
fn a_full_disk_takes_a_part_and_a_failed_sync_is_never_made_good() {
    let disk = SimDisk::new(Rng::from_seed(1));
    let file = write(&*disk, Path::new("/file"), b"before");
    disk.sync_dir(Path::new("/")).unwrap();
    file.sync_data().unwrap();
    disk.set_faults(Faults { room_bytes: Some(3), ..Faults::default() });
    let error = file.append_vectored(6, &[IoSlice::new(b"12345")]).unwrap_err();
    assert_eq!((error.kind(), file.length().unwrap()), (ErrorKind::StorageFull, 9));
    disk.set_faults(Faults { sync_error: true, ..Faults::default() });
    assert!(file.sync_data().is_err());
    disk.set_faults(Faults::default());
    file.sync_data().unwrap();
    for _ in 0..20 {
        disk.crash();
    }
    assert!(disk.read(Path::new("/file")).unwrap().starts_with(b"before"));
    disk.kill();
    assert_eq!(disk.read(Path::new("/file")).unwrap().get(..6).unwrap(), b"before");
}
