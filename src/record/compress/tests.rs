use super::*;
use proptest::prelude::*;

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| b"the quick brown fox "[at % 20] ^ (at / 4096) as u8).collect()
}

#[test]
fn p9_every_codec_reads_what_it_writes_at_every_kind_of_level() {
    for codec in Codec::ALL {
        for level in [codec.default_level(), *codec.levels().start(), *codec.levels().end(), 0] {
            for length in [0, 1, 100, 65_536, 200_003] {
                let bytes = text(length);
                let compressed = compress(codec, level, &bytes).expect("memory takes all");
                let back = decompress(codec, &compressed, length).expect("own stream");
                assert_eq!(&back[..], &bytes[..], "{codec:?} {level} {length}");
                if length > 0 {
                    let refused = decompress(codec, &compressed, length - 1);
                    assert!(matches!(refused, Err(CompressError::TooLong { .. })), "{codec:?}");
                }
            }
        }
    }
}

#[test]
fn p9_snappy_is_read_in_both_framings() {
    let bytes = text(100_000);
    let raw = snap::raw::Encoder::new().compress_vec(&bytes).expect("fits");
    assert_eq!(&decompress(Codec::Snappy, &raw, 100_000).expect("raw")[..], &bytes[..]);
    let xerial = compress(Codec::Snappy, 0, &bytes).expect("memory takes all");
    assert!(xerial.starts_with(&[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1]));
    let twice = [xerial.clone(), xerial].concat();
    assert_eq!(decompress(Codec::Snappy, &twice, 200_000).expect("concatenated").len(), 200_000);
}

#[test]
fn p9_snappy_claiming_4_gib_is_refused_before_it_is_reserved() {
    let refused = decompress(Codec::Snappy, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0], usize::MAX);
    assert!(matches!(refused, Err(CompressError::Malformed { .. })));
}

#[test]
fn p9_lz4_frames_are_the_kind_that_java_reads() {
    let frame = compress(Codec::Lz4, 9, &text(1000)).expect("memory takes all");
    assert_eq!(frame[..4], [0x04, 0x22, 0x4d, 0x18]);
    assert_eq!(frame[4], 0b0110_0000, "version 1, independent blocks, no checksums, no content size");
    assert_eq!(frame[5], 0b0100_0000, "64 KiB blocks");
}

proptest! {
    #[test]
    fn p9_arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512), cut in 0usize..512) {
        for codec in Codec::ALL {
            let _ = decompress(codec, &bytes, 1 << 16);
            let mut broken = compress(codec, codec.default_level(), &bytes).expect("memory takes all");
            broken.truncate(cut);
            let _ = decompress(codec, &broken, 1 << 16);
        }
    }
}
