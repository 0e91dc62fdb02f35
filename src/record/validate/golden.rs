//! Holds our verdicts against those of Kafka's own classes, batch by batch, bytes made by Java's own codecs among them.

use super::*;
use crate::record::header::TimestampType;
use crate::record::tests::{read_back, unhex};

const NOW: Now = Now { wall_ms: 1_700_000_000_000, mono_ms: 0 };

fn rules(words: &str) -> ProduceRules {
    let mut rules = ProduceRules::default();
    for (name, value) in words.split(',').filter_map(|word| word.split_once('=')) {
        match (name, value) {
            ("time", "log") => rules.timestamp_type = TimestampType::LogAppendTime,
            ("compact", "1") => rules.compacted = true,
            ("origin", "coordinator") => rules.origin = Origin::Coordinator,
            ("before", value) => rules.timestamp_before_max_ms = value.parse().expect("a number"),
            ("max", value) => rules.max_message_bytes = value.parse().expect("a number"),
            ("store", "none") => rules.compression = TopicCompression::Uncompressed,
            ("store", value) => {
                let codec = Codec::ALL.into_iter().find(|codec| codec.name() == value).expect("a codec");
                rules.compression = TopicCompression::Codec { codec, level: codec.default_level() };
            }
            other => panic!("unknown rule {other:?}"),
        }
    }
    rules
}

/// Our refusal in the words of Kafka's exceptions.
fn words(refused: &BatchRefused) -> String {
    let (name, records) = match refused {
        BatchRefused::Corrupt => ("CorruptRecordException", &[][..]),
        BatchRefused::TooLarge { .. } => ("RecordTooLargeException", &[][..]),
        BatchRefused::RecordListTooLarge => ("RecordBatchTooLargeException", &[][..]),
        BatchRefused::InvalidRecord { record_errors, .. } => ("InvalidRecordException", &record_errors[..]),
        BatchRefused::InvalidTimestamp { record_errors, .. } => ("InvalidTimestampException", &record_errors[..]),
        BatchRefused::UnsupportedCompression => ("UnsupportedCompressionTypeException", &[][..]),
    };
    records.iter().fold(name.to_owned(), |words, (index, _)| format!("{words} {index}"))
}

/// What we answer where Kafka's code runs into an exception that it does not mean to throw: its clients see
/// UNKNOWN_SERVER_ERROR.
fn meant(name: &str, kafkas: &str) -> Option<&'static str> {
    match kafkas {
        "KafkaException" if name.starts_with("p5_stream_") => Some("InvalidRecordException"),
        "IllegalArgumentException" if name.starts_with("p3_codec_") => Some("UnsupportedCompressionTypeException"),
        "IllegalArgumentException" if name.starts_with("p4_malformed_12") => Some("InvalidRecordException"),
        _ => None,
    }
}

#[test]
fn p3_p4_p5_p6_p7_p8_p9_p16_verdicts_are_those_of_kafkas_classes() {
    let lines = include_str!("../testdata/kafka-4.3.1-validation.txt").lines();
    let mut count = 0;
    for line in lines.filter(|line| !line.starts_with('#')) {
        let columns: Vec<_> = line.split(" | ").collect();
        let [name, rule_words, sent, kafkas] = columns[..] else { panic!("four columns: {line}") };
        let sent = Bytes::from(unhex(sent));
        let ours = validate(sent.clone(), &rules(rule_words), NOW);
        count += 1;
        match (&ours, kafkas.split_once(' ')) {
            (Ok(valid), None) if kafkas == "same" => assert_eq!(valid.bytes.as_ptr(), sent.as_ptr(), "{name}"),
            (Ok(valid), Some(("stamped", stored))) => assert_eq!(valid.bytes[16..], unhex(stored)[16..], "{name}"),
            (Ok(valid), Some(("rebuilt", stored))) => assert_alike(name, valid, &unhex(stored)),
            // Kafka means to rebuild such a batch, but its iterator that skips keys and values cannot be rebuilt from.
            (Ok(valid), None) if name.starts_with("p9_offsets_inside_") => {
                assert_eq!(kafkas, "UnsupportedOperationException");
                assert_eq!(valid.header.record_count, 3);
            }
            (Err(refused), _) => assert_eq!(words(refused), meant(name, kafkas).unwrap_or(kafkas), "{name}: {refused}"),
            (Ok(_), _) => panic!("{name}: Kafka says {kafkas}"),
        }
        if let Ok(valid) = ours {
            assert!(crc::verify(&valid.bytes), "{name}");
            assert_eq!(BatchHeader::parse(&valid.bytes), Ok(valid.header), "{name}");
        }
    }
    assert!(count > 250, "{count} cases");
}

/// The same records under the same header, but for what depends on the compressor; Kafka moves the base timestamp to the
/// first record's, which is where it was.
fn assert_alike(name: &str, ours: &ValidBatch, kafkas: &[u8]) {
    let kafkas_header = BatchHeader::parse(kafkas).expect("a batch");
    let BatchHeader { crc, batch_length, leader_epoch, .. } = kafkas_header;
    assert_eq!(BatchHeader { crc, batch_length, leader_epoch, ..ours.header }, kafkas_header, "{name}");
    assert_eq!(read_back(&ours.bytes), read_back(kafkas), "{name}");
}
