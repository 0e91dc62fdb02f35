//! RocksDB behind [`Kv`], tuned to be small: one cache, small write buffers, few files.

use super::{wal, Batch, Change, Durability, Family, Kv, KvError, Pair};
use rocksdb::{
    BlockBasedOptions, BoundColumnFamily, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode,
    DBWithThreadMode, Direction, FlushOptions, IteratorMode, LruCacheOptions, MultiThreaded, Options, ReadOptions,
    WriteBatch, WriteBufferManager, WriteOptions,
};
use std::path::Path;
use std::sync::Arc;

/// Block cache and memtables together. One shard: a split cache is too small for its own index blocks.
const CACHE_BYTES: usize = 16 << 20;
/// A memtable.
const WRITE_BUFFER_BYTES: usize = 2 << 20;
/// Memtables of all families together.
const WRITE_BUFFERS_BYTES: usize = 8 << 20;
/// The write-ahead log at which memtables are flushed.
const WAL_BYTES: u64 = 16 << 20;
/// Pairs up to which a scan leaves its blocks in the cache.
const CACHED_SCAN: usize = 64;
/// Open table files.
const OPEN_FILES: i32 = 64;

/// What a store is for, which decides how a crash treats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Rebuilt from segments when lost: no log, all families flushed together.
    Index,
    /// The metadata quorum's entries and votes: logged, and synced when asked.
    Quorum,
}

/// A RocksDB database.
pub struct RocksKv {
    db: DBWithThreadMode<MultiThreaded>,
    /// Names of the families, at the places that [`Family`] counts.
    families: Vec<String>,
}

impl RocksKv {
    /// Opens the database at `path`, made where absent, with these families.
    ///
    /// # Errors
    /// `Corrupt` where the content is not what was written; of a log that was cut short by a crash the whole records count.
    pub fn open(path: &Path, families: &[&str], purpose: Purpose) -> Result<Arc<Self>, KvError> {
        match Self::open_in(path, families, purpose, DBRecoveryMode::AbsoluteConsistency) {
            Err(KvError::Corrupt(why)) if purpose == Purpose::Quorum => {
                let damage = wal::damage(path).map_err(|error| KvError::Io(format!("{}: {error}", path.display())))?;
                if let Some((file, at)) = damage {
                    let file = file.display();
                    return Err(KvError::Corrupt(format!(
                        "{why}; {file} is damaged at byte {at}, before records that were acknowledged"
                    )));
                }
                let opened = Self::open_in(path, families, purpose, DBRecoveryMode::PointInTime)?;
                tracing::warn!("the end of the write-ahead log in {} is torn and left out: {why}", path.display());
                Ok(opened)
            }
            opened => opened,
        }
    }

    fn open_in(
        path: &Path,
        families: &[&str],
        purpose: Purpose,
        recovery: DBRecoveryMode,
    ) -> Result<Arc<Self>, KvError> {
        let mut lru = LruCacheOptions::default();
        lru.set_capacity(CACHE_BYTES);
        lru.set_num_shard_bits(0);
        let cache = Cache::new_lru_cache_opts(&lru);
        let mut options = database_options(purpose, &cache);
        options.set_wal_recovery_mode(recovery);
        let descriptors: Vec<_> =
            families.iter().map(|name| ColumnFamilyDescriptor::new(*name, family_options(&cache))).collect();
        let db = DBWithThreadMode::open_cf_descriptors(&options, path, descriptors).map_err(to_kv_error)?;
        Ok(Arc::new(Self { db, families: families.iter().map(|name| (*name).to_owned()).collect() }))
    }

    /// Removes the database at `path`; an absent one is fine.
    pub fn destroy(path: &Path) -> Result<(), KvError> {
        if !path.exists() {
            return Ok(());
        }
        DBWithThreadMode::<MultiThreaded>::destroy(&Options::default(), path).map_err(to_kv_error)
    }

    fn family(&self, family: Family) -> Arc<BoundColumnFamily<'_>> {
        self.db
            .cf_handle(&self.families[usize::from(family.0)])
            .expect("every family was made when the store was opened")
    }
}

fn database_options(purpose: Purpose, cache: &Cache) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager_with_cache(
        WRITE_BUFFERS_BYTES,
        false,
        cache.clone(),
    ));
    options.set_max_total_wal_size(WAL_BYTES);
    options.set_max_open_files(OPEN_FILES);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(2);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_skip_stats_update_on_db_open(true);
    if purpose == Purpose::Index {
        options.set_atomic_flush(true);
    }
    options
}

fn family_options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_format_version(5);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_write_buffer_number(2);
    options.set_arena_block_size(64 << 10);
    options.set_target_file_size_base(4 << 20);
    options.set_compression_type(DBCompressionType::Lz4);
    options
}

/// RocksDB tells kinds of I/O errors apart only in its message.
fn to_kv_error(error: rocksdb::Error) -> KvError {
    let text = error.to_string();
    match error.kind() {
        _ if text.contains("No space left") => KvError::Full(text),
        rocksdb::ErrorKind::Corruption | rocksdb::ErrorKind::InvalidArgument => KvError::Corrupt(text),
        _ => KvError::Io(text),
    }
}

impl Kv for RocksKv {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.db.get_cf(&self.family(family), key).map_err(to_kv_error)
    }

    fn write(&self, batch: Batch, durability: Durability) -> Result<(), KvError> {
        let mut writes = WriteBatch::default();
        for change in &batch.changes {
            match change {
                Change::Put(family, key, value) => writes.put_cf(&self.family(*family), key, value),
                Change::Delete(family, key) => writes.delete_cf(&self.family(*family), key),
                Change::DeleteRange(family, from, to) if from < to => {
                    writes.delete_range_cf(&self.family(*family), from, to);
                }
                Change::DeleteRange(..) => {}
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(durability == Durability::UntilFlush);
        options.set_sync(durability == Durability::Synced);
        self.db.write_opt(writes, &options).map_err(to_kv_error)
    }

    fn scan(&self, family: Family, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let mut options = ReadOptions::default();
        options.set_iterate_upper_bound(to);
        // What is read as a whole is read once, and would push out what is looked up.
        options.fill_cache(limit <= CACHED_SCAN);
        let start = IteratorMode::From(from, Direction::Forward);
        let mut pairs = Vec::new();
        for pair in self.db.iterator_cf_opt(&self.family(family), options, start).take(limit) {
            let (key, value) = pair.map_err(to_kv_error)?;
            pairs.push((key.into_vec(), value.into_vec()));
        }
        Ok(pairs)
    }

    fn floor(&self, family: Family, from: &[u8], key: &[u8]) -> Result<Option<Pair>, KvError> {
        if from > key {
            return Ok(None);
        }
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(from);
        let mut iterator = self.db.raw_iterator_cf_opt(&self.family(family), options);
        iterator.seek_for_prev(key);
        iterator.status().map_err(to_kv_error)?;
        Ok(iterator.item().map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn flush(&self) -> Result<(), KvError> {
        let families: Vec<_> = (0..self.families.len()).map(|place| self.family(Family(place as u8))).collect();
        let families: Vec<_> = families.iter().collect();
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.db.flush_cfs_opt(&families, &options).map_err(to_kv_error)
    }
}
