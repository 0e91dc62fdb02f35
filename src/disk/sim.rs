//! A disk in memory that crashes: unsynced bytes and names are lost or torn, writes fail when told to.

use super::{Disk, DiskFile, DiskLock, Entry, Open, Space};
use crate::rng::Rng;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a write is torn at: a disk writes whole sectors.
const SECTOR_BYTES: usize = 512;

/// What the disk does wrong from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Bytes that may still be written before every write is `StorageFull`; `None` is no limit.
    pub room_bytes: Option<u64>,
    /// Every write fails with EIO.
    pub write_error: bool,
    /// Every sync fails with EIO, and what it should have made durable never will be by a later one.
    pub sync_error: bool,
}

/// Told of each write and sync before it happens, with whether it is a sync: for disks that are slow. Must not call the
/// disk.
pub type SlowHook = Arc<dyn Fn(bool) + Send + Sync>;

/// A file system in memory.
pub struct SimDisk {
    /// Guards everything: the disk does one thing at a time.
    state: Arc<Mutex<State>>,
    /// The process that sees the disk through this; `None` for the machine itself.
    life: Option<u64>,
}

struct State {
    rng: Rng,
    faults: Faults,
    /// By content number; names point here, so renamed and removed files live while they are open.
    contents: BTreeMap<u64, Content>,
    next_content: u64,
    /// Names as the running system sees them.
    names: BTreeMap<PathBuf, Node>,
    /// Names as a restarted system would see them.
    durable_names: BTreeMap<PathBuf, Node>,
    locked: BTreeSet<PathBuf>,
    /// Counts crashes: handles and locks from before one are dead.
    life: u64,
    /// Writes and syncs so far, for tests that count them.
    operations: Operations,
    /// Operations that change something until the process dies.
    dies_in: Option<u64>,
    slow: Option<SlowHook>,
}

/// How often the disk was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// Calls that wrote.
    pub writes: u64,
    /// Calls that synced a file or a directory.
    pub syncs: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(u64),
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// A failed sync has thrown its dirty pages away: what is not durable now never will be.
    poisoned: bool,
}

impl SimDisk {
    /// An empty disk; `rng` decides what a crash tears.
    pub fn new(rng: Rng) -> Arc<Self> {
        let state = State {
            rng,
            faults: Faults::default(),
            contents: BTreeMap::new(),
            next_content: 0,
            names: BTreeMap::from([(PathBuf::from("/"), Node::Dir)]),
            durable_names: BTreeMap::from([(PathBuf::from("/"), Node::Dir)]),
            locked: BTreeSet::new(),
            life: 0,
            operations: Operations::default(),
            dies_in: None,
            slow: None,
        };
        Arc::new(Self { state: Arc::new(Mutex::new(state)), life: None })
    }

    /// The disk as the process sees it that starts now: once that one is dead, nothing can be done through this.
    pub fn process(&self) -> Arc<Self> {
        let life = self.state.lock().life;
        Arc::new(Self { state: self.state.clone(), life: Some(life) })
    }

    /// Whether the process whose view this is still lives; the machine itself does always.
    pub fn is_alive(&self) -> bool {
        self.state().is_ok()
    }

    /// The process dies in the middle of the operation after `operations` further ones that change something: a write
    /// is then done in part. [`Self::crash`] or [`Self::kill`] has to follow, and takes this back where it is not due yet.
    pub fn die_after(&self, operations: u64) {
        self.state.lock().dies_in = Some(operations);
    }

    /// Calls `hook` before each write and sync, or nothing any more.
    pub fn set_slow(&self, hook: Option<SlowHook>) {
        self.state.lock().slow = hook;
    }

    /// What a write of `bytes`, or a sync, comes to that goes to this disk by another way, such as a database's.
    pub fn try_elsewhere(&self, bytes: u64, is_sync: bool) -> io::Result<()> {
        let mut state = self.state()?;
        if is_sync {
            state.check_sync()
        } else {
            state.check_write(bytes)
        }
    }

    /// The state, as long as the process lives whose view this is.
    fn state(&self) -> io::Result<parking_lot::MutexGuard<'_, State>> {
        let state = self.state.lock();
        match self.life {
            Some(life) if life != state.life => Err(dead()),
            _ => Ok(state),
        }
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.lock().faults = faults;
    }

    /// How often the disk was asked so far.
    pub fn operations(&self) -> Operations {
        self.state.lock().operations
    }

    /// Power is cut: unsynced names go back to what was durable, of each file's unsynced bytes some sectors reach the
    /// disk and others do not, handles and locks die. What is left is what a restarted node finds.
    pub fn crash(&self) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.end_process();
        state.faults = Faults::default();
        state.names = state.durable_names.clone();
        let named: BTreeSet<u64> = state
            .names
            .values()
            .filter_map(|node| if let Node::File(content) = node { Some(*content) } else { None })
            .collect();
        state.contents.retain(|number, _| named.contains(number));
        for content in state.contents.values_mut() {
            content.bytes = torn(content, &state.rng);
            content.durable = content.bytes.clone();
            content.poisoned = false;
        }
    }

    /// The process dies and the machine lives: everything written stays, handles and locks die. What a failed sync threw
    /// away is found missing.
    pub fn kill(&self) {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.end_process();
        for content in state.contents.values_mut().filter(|content| content.poisoned) {
            content.bytes = torn(content, &state.rng);
            content.durable = content.bytes.clone();
            content.poisoned = false;
        }
    }
}

fn dead() -> io::Error {
    io::Error::other("the process that opened this file is dead")
}

/// What a file holds after power was cut: its durable bytes, a random part of what was written since, in whole sectors.
fn torn(content: &Content, rng: &Rng) -> Vec<u8> {
    let (old, new) = (&content.durable, &content.bytes);
    if old == new {
        return old.clone();
    }
    let length = match rng.below(3) {
        0 => old.len(),
        1 => new.len(),
        _ => {
            let (low, high) = (old.len().min(new.len()), old.len().max(new.len()));
            low + rng.below((high - low) as u64 + 1) as usize
        }
    };
    let mut after = Vec::with_capacity(length);
    while after.len() < length {
        let written = rng.below(2) == 0;
        let end = (after.len() + SECTOR_BYTES).min(length);
        after.extend((after.len()..end).map(|at| {
            let newer = new.get(at).filter(|_| written);
            newer.or(old.get(at)).copied().unwrap_or(0)
        }));
    }
    after
}

impl State {
    fn node(&self, path: &Path) -> io::Result<Node> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn content(&mut self, number: u64) -> &mut Content {
        self.contents.entry(number).or_default()
    }

    fn below<'a>(names: &'a BTreeMap<PathBuf, Node>, path: &'a Path) -> impl Iterator<Item = (&'a PathBuf, &'a Node)> {
        names.range(path.to_path_buf()..).take_while(move |(name, _)| name.starts_with(path))
    }

    fn end_process(&mut self) {
        self.life += 1;
        self.locked.clear();
        self.dies_in = None;
        self.slow = None;
    }

    /// Counts an operation that changes something; fails if the process dies of it.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.dies_in {
            Some(0) => {
                self.life += 1;
                self.dies_in = None;
                Err(dead())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn check_write(&mut self, bytes: u64) -> io::Result<()> {
        self.operations.writes += 1;
        if let Some(slow) = &self.slow {
            slow(false);
        }
        self.step()?;
        if self.faults.write_error {
            return Err(io::Error::other("EIO on write"));
        }
        if let Some(room) = &mut self.faults.room_bytes {
            *room = room.checked_sub(bytes).ok_or(ErrorKind::StorageFull)?;
        }
        Ok(())
    }

    fn check_sync(&mut self) -> io::Result<()> {
        self.operations.syncs += 1;
        if let Some(slow) = &self.slow {
            slow(true);
        }
        self.step()?;
        if self.faults.sync_error {
            Err(io::Error::other("EIO on sync"))
        } else {
            Ok(())
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    Path::new("/").join(path)
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Arc<dyn DiskFile>> {
        let path = absolute(path);
        let mut state = self.state()?;
        let content = match (state.names.get(&path), how) {
            (Some(Node::File(content)), _) => *content,
            (Some(Node::Dir), _) => return Err(ErrorKind::IsADirectory.into()),
            (None, Open::Read) => return Err(ErrorKind::NotFound.into()),
            (None, Open::Write) => {
                state.node(path.parent().unwrap_or(Path::new("/")))?;
                state.check_write(0)?;
                let content = state.next_content;
                state.next_content += 1;
                state.contents.insert(content, Content::default());
                state.names.insert(path, Node::File(content));
                content
            }
        };
        Ok(Arc::new(SimFile { state: self.state.clone(), content, life: state.life }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state()?;
        for path in absolute(path).ancestors() {
            match state.names.entry(path.to_path_buf()).or_insert(Node::Dir) {
                Node::Dir => {}
                Node::File(_) => return Err(ErrorKind::NotADirectory.into()),
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let path = absolute(path);
        let state = self.state()?;
        if state.node(&path)? != Node::Dir {
            return Err(ErrorKind::NotADirectory.into());
        }
        let children = State::below(&state.names, &path).filter(|(name, _)| name.parent() == Some(&path));
        Ok(children.map(|(name, node)| state.entry_of(name, *node)).collect())
    }

    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        let path = absolute(path);
        let state = self.state()?;
        Ok(state.names.get(&path).map(|node| state.entry_of(&path, *node)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (absolute(from), absolute(to));
        let mut state = self.state()?;
        state.node(&from)?;
        state.step()?;
        state.node(to.parent().unwrap_or(Path::new("/")))?;
        let moved: Vec<_> = State::below(&state.names, &from).map(|(name, node)| (name.clone(), *node)).collect();
        let replaced: Vec<_> = State::below(&state.names, &to).map(|(name, _)| name.clone()).collect();
        if replaced.len() > 1 {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        for name in replaced {
            state.names.remove(&name);
        }
        for (name, node) in moved {
            state.names.remove(&name);
            let rest = name.strip_prefix(&from).map_err(io::Error::other)?;
            let name = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
            state.names.insert(name, node);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let path = absolute(path);
        let mut state = self.state()?;
        match state.node(&path)? {
            Node::Dir => Err(ErrorKind::IsADirectory.into()),
            Node::File(_) => {
                state.step()?;
                state.names.remove(&path);
                Ok(())
            }
        }
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let path = absolute(path);
        let mut state = self.state()?;
        state.node(&path)?;
        state.step()?;
        state.names.retain(|name, _| !name.starts_with(&path));
        Ok(())
    }

    /// Makes the names right below `path` durable, as a directory's fsync does. A directory made durable brings the path
    /// to it along, for journaling file systems order it so.
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let path = absolute(path);
        let mut state = self.state()?;
        state.node(&path)?;
        state.check_sync()?;
        let State { names, durable_names, .. } = &mut *state;
        // A name that went takes along what was below it; one that moved in brings it.
        let gone: Vec<_> = State::below(durable_names, &path)
            .filter(|(name, _)| !path.eq(*name))
            .filter(|(name, _)| child_of(&path, name).is_some_and(|child| names.get(child) != durable_names.get(child)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            durable_names.remove(&name);
        }
        for ancestor in path.ancestors() {
            durable_names.insert(ancestor.to_path_buf(), Node::Dir);
        }
        let known: BTreeSet<_> = durable_names.keys().cloned().collect();
        for (name, node) in State::below(names, &path) {
            let is_child = name.parent() == Some(&path);
            let moved_in = child_of(&path, name).is_some_and(|child| child != name && !known.contains(child));
            if is_child || moved_in {
                durable_names.insert(name.clone(), *node);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        drop(self.open(path, Open::Write)?);
        let path = absolute(path);
        let mut state = self.state()?;
        if !state.locked.insert(path.clone()) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { state: self.state.clone(), path, life: state.life }))
    }

    fn space(&self, _path: &Path) -> io::Result<Space> {
        let usable_bytes = self.state()?.faults.room_bytes.unwrap_or(1 << 40);
        Ok(Space { total_bytes: 1 << 40, usable_bytes })
    }
}

/// The name right below `path` on the way to `name`.
fn child_of<'a>(path: &Path, name: &'a Path) -> Option<&'a Path> {
    name.ancestors().find(|ancestor| ancestor.parent() == Some(path))
}

impl State {
    fn entry_of(&self, path: &Path, node: Node) -> Entry {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match node {
            Node::Dir => Entry { name, is_dir: true, length: 0 },
            Node::File(content) => {
                let length = self.contents.get(&content).map_or(0, |content| content.bytes.len() as u64);
                Entry { name, is_dir: false, length }
            }
        }
    }
}

struct SimLock {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    life: u64,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if state.life == self.life {
            state.locked.remove(&self.path);
        }
    }
}

struct SimFile {
    state: Arc<Mutex<State>>,
    content: u64,
    life: u64,
}

impl SimFile {
    /// The state, as long as the process that opened the file lives.
    fn state(&self) -> io::Result<parking_lot::MutexGuard<'_, State>> {
        let state = self.state.lock();
        if state.life == self.life {
            Ok(state)
        } else {
            Err(dead())
        }
    }
}

impl DiskFile for SimFile {
    fn append_vectored(&self, position: u64, pieces: &[IoSlice<'_>]) -> io::Result<()> {
        let mut state = self.state()?;
        let position = usize::try_from(position).map_err(io::Error::other)?;
        let total: usize = pieces.iter().map(|piece| piece.len()).sum();
        let room = state.faults.room_bytes;
        let allowed = state.check_write(total as u64);
        // A disk that runs full takes what still fits.
        let taken = match &allowed {
            Ok(()) => total,
            Err(error) if error.kind() == ErrorKind::StorageFull => room.unwrap_or(0) as usize,
            // Died in the middle of it.
            Err(_) if state.life != self.life => state.rng.below(total as u64 + 1) as usize,
            Err(_) => 0,
        };
        let mut bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        bytes.truncate(taken);
        let content = state.content(self.content);
        if content.bytes.len() < position + bytes.len() {
            content.bytes.resize(position + bytes.len(), 0);
        }
        content.bytes[position..position + bytes.len()].copy_from_slice(&bytes);
        allowed
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state()?;
        let bytes = &state.content(self.content).bytes;
        let start = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
        let read = buffer.len().min(bytes.len() - start);
        buffer[..read].copy_from_slice(&bytes[start..start + read]);
        Ok(read)
    }

    fn read_cached_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_at(position, buffer)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state()?;
        let allowed = state.check_sync();
        // A process that dies takes nothing out of the page cache.
        let died = state.life != self.life;
        let content = state.content(self.content);
        match allowed {
            Ok(()) if !content.poisoned => content.durable.clone_from(&content.bytes),
            // After a failed sync the kernel holds the pages clean: the next sync "succeeds" and saves nothing.
            Ok(()) => {}
            Err(_) => content.poisoned |= !died,
        }
        allowed
    }

    fn start_write_back(&self, _position: u64, _length: u64) {}

    fn reserve(&self, _length: u64) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut state = self.state()?;
        state.check_write(0)?;
        state.content(self.content).bytes.resize(length, 0);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.state()?.content(self.content).bytes.len() as u64)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
