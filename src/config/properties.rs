//! Java properties: the format of `server.properties` and `meta.properties`.

use java_properties::{LineContent, PropertiesIter};

/// Reads properties in the order in which they stand; a key that stands twice comes twice, and the later one holds.
///
/// The text is UTF-8, or Latin-1 where it is not valid UTF-8. (Java reads every file as Latin-1 and mangles what is
/// beyond ASCII.) `Err` says what is malformed, such as a `\u` escape without four digits, and on which line.
pub fn parse_properties(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let encoding = match std::str::from_utf8(bytes) {
        Ok(_) => encoding_rs::UTF_8,
        Err(_) => encoding_rs::WINDOWS_1252,
    };
    let mut pairs = Vec::new();
    for line in PropertiesIter::new_with_encoding(bytes, encoding) {
        match line.map_err(|error| error.to_string())?.consume_content() {
            LineContent::KVPair(key, value) => pairs.push((key, value)),
            LineContent::Comment(_) => {}
        }
    }
    Ok(pairs)
}

/// Writes one property as a line, escaped so that it reads back the same.
pub fn property_line(key: &str, value: &str) -> String {
    format!("{}={}\n", escape(key, true), escape(value, false))
}

fn escape(text: &str, is_key: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, character) in text.chars().enumerate() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ' ' if is_key || at == 0 => escaped.push_str("\\ "),
            '=' | ':' | '#' | '!' if is_key => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{parse_properties, property_line};
    use proptest::prelude::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse_properties(text.as_bytes()).unwrap()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.into(), value.into())
    }

    #[test]
    fn comments_separators_and_continuations_are_javas() {
        let text = "# a comment\n! another\n\na=1\nb:2\nc 3\n  d = 4 \ne=5\\\n   6\nf\ng=C:\\\\kafka\\tx\nh=\\u00e4\na=later\n";
        let expected = [
            pair("a", "1"),
            pair("b", "2"),
            pair("c", "3"),
            pair("d", "4 "),
            pair("e", "56"),
            pair("f", ""),
            pair("g", "C:\\kafka\tx"),
            pair("h", "ä"),
            pair("a", "later"),
        ];
        assert_eq!(parsed(text), expected);
    }

    #[test]
    fn utf8_is_kept_and_latin1_is_understood() {
        assert_eq!(parsed("rack=zürich €"), [pair("rack", "zürich €")]);
        assert_eq!(parse_properties(b"rack=z\xfcrich").unwrap(), [pair("rack", "zürich")]);
    }

    #[test]
    fn a_malformed_escape_is_an_error() {
        assert!(parse_properties(b"a=\\u12").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_properties(&bytes);
        }

        #[test]
        fn what_is_written_reads_back(key in "[a-z.# :=!\\\\]{1,12}", value in "\\PC{0,20}") {
            let line = property_line(&key, &value);
            prop_assert_eq!(parsed(&line), vec![(key, value)]);
        }
    }
}
