//! Packed files to their contents: one for GZIP, the entries of a ZIP. Bytes are counted as they come out, so that a
//! small file made to unpack to a huge one is refused before it fills the memory.

use std::io::{Cursor, ErrorKind, Read};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::limits::{MAX_ENTRIES, MAX_UNPACKED_BYTES, unpacked_limit};
use super::source::Stop;

/// What a GZIP file holds.
pub fn gunzip(packed: &[u8]) -> Result<Vec<u8>, Stop> {
    let mut left = MAX_UNPACKED_BYTES;
    take(MultiGzDecoder::new(packed), packed.len() as u64, &mut left)
}

/// An open ZIP archive.
pub struct Archive<'b> {
    zip: ZipArchive<Cursor<&'b [u8]>>,
    /// Bytes that may still come out.
    left: u64,
}

impl<'b> Archive<'b> {
    /// Opens an archive.
    pub fn open(bytes: &'b [u8]) -> Result<Archive<'b>, Stop> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error.to_string()))?;
        match zip.len() {
            0 => Err(Stop::Refused("the archive is empty: export it again".to_owned())),
            entries if entries > MAX_ENTRIES => Err(Stop::Refused(format!(
                "the archive holds {entries} files, where {MAX_ENTRIES} are read: drop fewer at a time"
            ))),
            _ => Ok(Archive { zip, left: MAX_UNPACKED_BYTES }),
        }
    }

    /// The files in it with their position, in order of their name.
    pub fn entries(&mut self) -> Vec<(usize, String)> {
        let mut entries: Vec<(usize, String)> = (0..self.zip.len())
            .filter_map(|at| {
                let unnamed = || format!("file {}", at + 1);
                // What is damaged is refused by name once it is unpacked.
                let Ok(entry) = self.zip.by_index_raw(at) else { return Some((at, unnamed())) };
                let name = entry.name().map_or_else(|_| unnamed(), |name| name.replace('\\', "/"));
                (!entry.is_dir()).then(|| (at, name.trim_start_matches('/').to_owned()))
            })
            .collect();
        entries.sort_by(|a, b| a.1.cmp(&b.1));
        entries
    }

    /// What an entry holds.
    pub fn unpack(&mut self, at: usize) -> Result<Vec<u8>, Stop> {
        let entry = self.zip.by_index(at).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
                Stop::Refused("it has a password: pack it again without one, or drop the files that are in it".to_owned())
            }
            ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => Stop::Refused(
                "it is packed in a way that is not read: drop the files that are in it, or pack them as a plain ZIP".to_owned(),
            ),
            error => damaged(&error.to_string()),
        })?;
        let packed = entry.compressed_size();
        take(entry, packed, &mut self.left)
    }
}

fn take(content: impl Read, packed: u64, left: &mut u64) -> Result<Vec<u8>, Stop> {
    let limit = unpacked_limit(packed).min(*left);
    let mut bytes = Vec::new();
    match content.take(limit + 1).read_to_end(&mut bytes) {
        Ok(read) if read as u64 > limit => Err(Stop::Refused(format!(
            "unpacked it takes more than {} MB, the most that is allowed for its size: it was made to fill a disk, or is too big to \
             be read packed. If you trust it, drop it unpacked",
            limit >> 20
        ))),
        Ok(read) => {
            *left -= read as u64;
            Ok(bytes)
        }
        Err(error) if error.kind() == ErrorKind::OutOfMemory => {
            Err(Stop::Refused("unpacked it does not fit into memory: drop it in parts".to_owned()))
        }
        Err(error) => Err(damaged(&error.to_string())),
    }
}

fn damaged(error: &str) -> Stop {
    Stop::Refused(format!("it is damaged ({error}): copy or export it again; it may have been cut off"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn refusal<T>(result: Result<T, Stop>) -> String {
        match result {
            Err(Stop::Refused(why)) => why,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("read"),
        }
    }

    #[test]
    fn what_is_packed_comes_out() {
        let two_members = [gzip(b"Id,"), gzip(b"Email\n")].concat();
        assert_eq!(gunzip(&two_members).unwrap(), b"Id,Email\n");
        let bytes = zip(&[("b/two.csv", b"2"), ("a.csv", b"1")]);
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.entries(), [(1, "a.csv".to_owned()), (0, "b/two.csv".to_owned())]);
        assert_eq!(archive.unpack(0).unwrap(), b"2");
    }

    #[test]
    fn what_is_cut_off_or_locked_is_said() {
        let packed = gzip(b"Id,Email\n");
        assert!(refusal(gunzip(&packed[..packed.len() - 9])).contains("cut off"));
        let bytes = zip(&[("a.csv", &b"Id,Email\n".repeat(50))]);
        assert!(refusal(Archive::open(&bytes[..40])).contains("cut off"));
        assert!(refusal(Archive::open(&zip(&[]))).contains("empty"));

        // The flag that says that an entry is encrypted, in its own header and in the directory.
        let mut locked = bytes;
        let directory = locked.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        locked[6] |= 1;
        locked[directory + 8] |= 1;
        assert!(refusal(Archive::open(&locked).unwrap().unpack(0)).contains("password"));
    }

    /// An entry that cannot be opened is listed all the same: else nobody would hear of it.
    #[test]
    fn a_damaged_entry_is_among_the_others() {
        let mut bytes = zip(&[("a.csv", b"Id"), ("b.csv", b"Email")]);
        let header = bytes.windows(4).rposition(|window| window == b"PK\x03\x04").unwrap();
        bytes[header] = 0;
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.entries(), [(0, "a.csv".to_owned()), (1, "file 2".to_owned())]);
        assert_eq!(archive.unpack(0).unwrap(), b"Id");
        assert!(refusal(archive.unpack(1)).contains("damaged"));
    }

    #[test]
    fn a_bomb_is_given_up() {
        let zeros = vec![0; 80 << 20];
        assert!(refusal(gunzip(&gzip(&zeros))).contains("MB, the most that is allowed"));
        assert!(refusal(Archive::open(&zip(&[("a.csv", &zeros)])).unwrap().unpack(0)).contains("MB, the most that is allowed"));
    }
}
