//! `--name value` and `--name` on the command line.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

pub struct Options {
    given: BTreeMap<String, String>,
}

impl Options {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Self {
        let mut given = BTreeMap::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--").unwrap_or_else(|| panic!("{argument:?} is no option"));
            let value = arguments.next_if(|next| !next.starts_with("--")).unwrap_or_default();
            given.insert(name.to_owned(), value);
        }
        Self { given }
    }

    /// The option's value, or what stands for an absent one.
    pub fn get<T: FromStr<Err: Debug>>(&self, name: &str, absent: T) -> T {
        self.given.get(name).map_or(absent, |text| text.parse().unwrap_or_else(|error| panic!("--{name}: {error:?}")))
    }

    /// The option's value, which must be there.
    pub fn need<T: FromStr<Err: Debug>>(&self, name: &str) -> T {
        let text = self.given.get(name).unwrap_or_else(|| panic!("--{name} is missing"));
        text.parse().unwrap_or_else(|error| panic!("--{name}: {error:?}"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }
}
