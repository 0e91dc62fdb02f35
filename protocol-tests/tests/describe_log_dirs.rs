//! DescribeLogDirs (key 35), versions 1–4.

use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::DescribeLogDirsRequest;
use protocol_tests::records::Batch;
use protocol_tests::{error, shared, topic_name};

#[test]
fn every_version_says_how_large_partitions_are() {
    let broker = shared();
    let mut client = broker.connect();
    let topic = client.create_topic("log-dirs", 2, &[]);
    client.append(&topic, 1, &["a", "b"]);
    let size = Batch::of(&["a", "b"]).encode().len() as i64;
    for version in 1..=4 {
        let asked = DescribableLogDirTopic::default().with_topic(topic_name("log-dirs")).with_partitions(vec![0, 1]);
        for topics in [None, Some(vec![asked])] {
            let all = topics.is_none();
            let response = client.call(version, &DescribeLogDirsRequest::default().with_topics(topics));
            assert_eq!((error(response.error_code), response.results.len()), (None, 1), "version {version}");
            let directory = &response.results[0];
            assert_eq!(error(directory.error_code), None);
            assert_eq!(&*directory.log_dir, broker.log_dir().to_str().unwrap());
            let described = directory.topics.iter().find(|topic| topic.name.as_str() == "log-dirs").unwrap();
            let mut sizes: Vec<_> = described
                .partitions
                .iter()
                .map(|partition| (partition.partition_index, partition.partition_size, partition.offset_lag))
                .collect();
            sizes.sort();
            assert_eq!(sizes, [(0, 0, 0), (1, size, 0)], "version {version}");
            assert!(described.partitions.iter().all(|partition| !partition.is_future_key));
            assert!(all || directory.topics.len() == 1);
            if version >= 4 {
                assert!(directory.total_bytes > 0 && directory.usable_bytes > 0);
                assert!(directory.usable_bytes <= directory.total_bytes);
            }
        }
        let none = client.call(version, &DescribeLogDirsRequest::default().with_topics(Some(vec![])));
        assert!(none.results.iter().all(|directory| directory.topics.is_empty()));
    }
}
